"""The document is exact: what its schemas allow is taken, and what they do not allow is refused."""

import json
from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, seed, settings
from openapi_spec_validator import validate
from sqlalchemy.orm import Mapped, relationship

from mainstay.access import Access, anyone, role, signed_in
from mainstay.base.errors import Rejected
from mainstay.model import Options, Resource, computed, count_of, field, link, owned, ref
from mainstay.model.spec import validated
from mainstay.resources.openapi import openapi_fragment
from mainstay.resources.query import QueryReader
from mainstay.resources.records.links import split_links
from mainstay.resources.registry import Registry
from mainstay.web import parse_json

RUN = settings(max_examples=60, suppress_health_check=list(HealthCheck), database=None, deadline=None)


class Status(StrEnum):
    draft = "draft"
    published = "published"


class Base(Resource, family=True):
    __abstract__ = True


class Tag(Base):
    """A word on a book."""

    __tablename__ = "tags"
    __access__ = Access(read=anyone, write=role("editor"))
    name: Mapped[str] = field(max_length=30, min_length=1, trim=True, unique=True)


class Author(Base):
    """Somebody who writes books."""

    __tablename__ = "authors"
    __access__ = Access(read=signed_in, write=role("editor"))
    name: Mapped[str] = field(max_length=120, search=True)
    books: Mapped[list["Book"]] = relationship(back_populates="author")
    book_count = count_of("books")


class Book(Base):
    """A title in the catalogue."""

    __tablename__ = "books"
    __access__ = Access(read=anyone, write=signed_in)
    __api__ = Options(
        operations={"list": {"id": "catalogue", "summary": "The catalogue", "deprecated": True}}, hide=("delete",)
    )
    title: Mapped[str] = field(max_length=200, min_length=1, search=True)
    summary: Mapped[str] = field(default="None")
    price: Mapped[Decimal] = field(gt=0, le=Decimal("9999.99"), places=2)
    worth: Mapped[Decimal | None] = field(default=None)
    discount: Mapped[Decimal | None] = field(default=None, ge=0, lt=100)
    pages: Mapped[int] = field(default=1, ge=1, le=100_000)
    stock: Mapped[int | None] = field(default=None)
    weight: Mapped[float | None] = field(default=None, ge=0)
    in_print: Mapped[bool] = field(default=True)
    status: Mapped[Status] = field(default=Status.draft)
    shelf: Mapped[str | None] = field(default=None, pattern="[A-Z]{1,2}[0-9]{1,3}")
    published_at: Mapped[datetime | None] = field(default=None)
    opens: Mapped[time | None] = field(default=None)
    day: Mapped[date | None] = field(default=None)
    words: Mapped[list[str]] = field(default_factory=list)
    extra: Mapped[dict[str, Any] | None] = field(default=None)
    mail: Mapped[str | None] = field(default=None, format="email")
    site: Mapped[str | None] = field(default=None, format="url")
    phone: Mapped[str | None] = field(default=None, format="phone")
    size: Mapped[int | None] = field(default=None)
    nickname: Mapped[str | None] = field(default=None, trim=True, min_length=2, max_length=5)
    author_id: Mapped[UUID] = ref(Author)
    author: Mapped[Author] = relationship(back_populates="books")
    owner_id: Mapped[UUID | None] = owned()
    tags: Mapped[list[Tag]] = relationship(secondary=link("book_tags", "books", "tags", metadata=Base.metadata))

    @computed
    def label(self) -> str:
        return self.title


@pytest.fixture(scope="module")
def registry() -> Registry:
    found = Registry()
    for model in (Author, Book, Tag):
        found.add(model)
    return found


@pytest.fixture(scope="module")
def document(registry: Registry) -> dict[str, Any]:
    fragment = openapi_fragment(registry)
    fragment["components"]["securitySchemes"] = {"bearer": {"type": "http", "scheme": "bearer"}}
    return {"openapi": "3.1.0", "info": {"title": "Library", "version": "1"}, **fragment}


def test_the_document_is_valid_openapi(document: dict[str, Any]) -> None:
    validate(document)


def test_hidden_operations_are_not_described_and_overrides_are(document: dict[str, Any]) -> None:
    assert "delete" not in document["paths"]["/api/v1/books/{id}"]
    listing = document["paths"]["/api/v1/books"]["get"]
    assert (listing["operationId"], listing["summary"], listing["deprecated"]) == ("catalogue", "The catalogue", True)


def test_operations_open_to_anyone_need_no_token_and_the_others_do(document: dict[str, Any]) -> None:
    paths = document["paths"]
    assert {} in paths["/api/v1/books"]["get"]["security"]
    assert {} not in paths["/api/v1/books"]["post"]["security"]
    assert {} not in paths["/api/v1/authors"]["get"]["security"]


def test_a_field_named_like_a_control_parameter_is_filtered_with_its_operator(document: dict[str, Any]) -> None:
    names = [each["name"] for each in document["paths"]["/api/v1/books"]["get"]["parameters"]]
    assert names.count("size") == 1
    assert "size.eq" in names
    assert len(names) == len(set(names))


def test_operation_ids_are_unique(document: dict[str, Any]) -> None:
    found = [operation["operationId"] for item in document["paths"].values() for operation in item.values()]
    assert len(found) == len(set(found))


def judge(operation: Any, mode: schemathesis.GenerationMode, taken: Callable[[Any], None]) -> None:
    @seed(1)
    @given(case=operation.as_strategy(generation_mode=mode))
    @RUN
    def every(case: Any) -> None:
        try:
            taken(case)
        except Rejected as refused:
            reasons = [each.as_dict() for each in refused.errors] or refused.detail
            assert mode is schemathesis.GenerationMode.NEGATIVE, f"allowed, and refused: {reasons}"
        else:
            assert mode is schemathesis.GenerationMode.POSITIVE, f"not allowed, and taken: {case.body}"

    every()


@pytest.mark.parametrize("mode", list(schemathesis.GenerationMode))
@pytest.mark.parametrize("shape", ["create", "replace", "update"])
def test_a_body_is_taken_exactly_when_the_schema_allows_it(
    shape: str, mode: schemathesis.GenerationMode, registry: Registry, document: dict[str, Any]
) -> None:
    schema = {"$ref": f"#/components/schemas/Book{shape.capitalize()}"}
    path = {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}
    path["responses"] = {"200": {"description": "Taken."}}
    alone = {**document, "paths": {"/body": {"post": path}}}

    def taken(case: Any) -> None:
        # Schemathesis also sends bytes that are no JSON at all: they never get as far as the schema.
        body = case.body if isinstance(case.body, bytes) else json.dumps(case.body).encode()
        spec, data = registry["books"].spec, parse_json(body)
        rest, _ = split_links(spec, data) if isinstance(data, dict) else (data, {})
        validated(spec, shape, rest)  # type: ignore[arg-type]  # one of the three

    judge(schemathesis.openapi.from_dict(alone)["/body"]["POST"], mode, taken)


@pytest.mark.parametrize("name", ["books", "authors"])
def test_a_query_is_taken_when_its_parameters_allow_it(name: str, registry: Registry, document: dict[str, Any]) -> None:
    schema = schemathesis.openapi.from_dict(document)
    schema.config.update(base_url="http://library")
    reader = QueryReader(registry, registry[name])

    def taken(case: Any) -> None:
        sent = case.as_transport_kwargs()
        url = str(requests.Request("GET", sent["url"], params=sent.get("params")).prepare().url)
        reader.read(url.partition("?")[2].encode())

    judge(schema[f"/api/v1/{name}"]["GET"], schemathesis.GenerationMode.POSITIVE, taken)
