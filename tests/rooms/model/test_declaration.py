"""A declaration becomes tables, and a description of them."""

from datetime import date
from decimal import Decimal
from enum import Enum, StrEnum
from types import MappingProxyType
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Index, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from mainstay.base.errors import ConfigurationError
from mainstay.model import Options, Resource, computed, count_of, field, owned, ref
from mainstay.model.spec import describe


class Base(Resource, family=True):
    __abstract__ = True


class Status(StrEnum):
    draft = "draft"
    published = "published"


class Dated:
    """A mixin, as SQLAlchemy users write them."""

    noted_on: Mapped[date | None] = field()


class Author(Base):
    """Somebody who writes books."""

    __tablename__ = "authors"
    name: Mapped[str] = field(max_length=120, search=True)
    books: Mapped[list["Book"]] = relationship(back_populates="author")
    book_count = count_of("books")


class Book(Dated, Base):
    """A title in the catalogue."""

    __tablename__ = "books"
    __table_args__ = (UniqueConstraint("title", "version"), Index("ix_books_by_price", "price", "title"))
    title: Mapped[str] = field(max_length=200, search=True)
    summary: Mapped[str] = field(default="No summary available", search=True)
    price: Mapped[Decimal] = field(gt=0, places=2)
    isbn: Mapped[str | None] = field(unique=True)
    author_id: Mapped[UUID] = ref(Author, on_delete="cascade")
    author: Mapped[Author] = relationship(back_populates="books")
    owner_id: Mapped[UUID] = owned()
    status: Mapped[Status] = field(default=Status.draft)
    version: Mapped[int] = field(index=True, default=1)
    size: Mapped[int | None]
    tags: Mapped[list[str]] = field(default_factory=list)
    secret: Mapped[str] = field(default="", write=False, read=False)

    @computed
    def label(self) -> str:
        """What a shelf says."""
        return f"{self.title} ({self.status})"


TABLE: Any = Book.__table__


def test_the_tenant_is_in_front_of_every_key() -> None:
    assert [column.name for column in TABLE.primary_key.columns] == ["tenant_id", "id"]
    for constraint in TABLE.constraints:
        if isinstance(constraint, UniqueConstraint):
            assert constraint.columns.keys()[0] == "tenant_id"
    for foreign in TABLE.foreign_key_constraints:
        assert foreign.column_keys == ["tenant_id", "author_id"]
        assert [element.column.name for element in foreign.elements] == ["tenant_id", "id"]
        assert foreign.ondelete == "CASCADE"
    for index in TABLE.indexes:
        assert index.columns.keys()[0] == "tenant_id", index.name


def test_names_lead_back_to_fields() -> None:
    unique = {c.name: c.columns.keys() for c in TABLE.constraints if isinstance(c, UniqueConstraint)}
    assert unique["uq_books_isbn"] == ["tenant_id", "isbn"]
    assert ["tenant_id", "title", "version"] in unique.values()
    assert {index.name: index.columns.keys() for index in TABLE.indexes} == {
        "ix_books_by_price": ["tenant_id", "price", "title", "id"],
        "ix_books_author_id": ["tenant_id", "author_id", "id"],
        "ix_books_owner_id": ["tenant_id", "owner_id", "id"],
        "ix_books_version": ["tenant_id", "version", "id"],
    }
    spec = describe(Book)
    assert spec.field_for(["tenant_id", "isbn"]) == "isbn"
    assert spec.field_for(["tenant_id", "title", "version"]) == "version"
    assert spec.field_for(["tenant_id"]) is None


def test_the_table_says_what_storage_needs() -> None:
    assert TABLE.info["plane"] == "tenant"
    assert TABLE.info["rid"] is True
    assert TABLE.info["search"] == ("title", "summary")


def test_the_description_follows_the_declaration() -> None:
    spec = describe(Book)
    assert list(spec.fields) == [
        *("id", "noted_on", "title", "summary", "price", "isbn", "author_id", "owner_id", "status", "version"),
        *("size", "tags", "secret", "created_at", "updated_at", "row_version"),
    ]
    kinds = {name: known.kind for name, known in spec.fields.items()}
    assert kinds["price"] == "decimal"
    assert kinds["tags"] == "list"
    assert kinds["status"] == "enum"
    assert kinds["noted_on"] == "date"
    assert spec.owner_field == "owner_id"
    assert spec.fields["author_id"].target is Author
    assert {name for name, known in spec.fields.items() if known.required} == {"title", "price", "author_id"}
    assert {name for name, known in spec.fields.items() if known.write == "never"} == {
        *("id", "owner_id", "secret", "created_at", "updated_at", "row_version"),
    }
    assert spec.fields["size"].controlled
    assert not spec.fields["version"].controlled
    assert not spec.fields["secret"].filterable
    assert spec.description == "A title in the catalogue."
    assert spec.computed["label"].schema["type"] == "string"
    assert describe(Author).counts["book_count"].name == "books"
    assert spec is describe(Book)


def test_operators_fit_the_kind() -> None:
    fields = describe(Book).fields
    order = {"eq", "ne", "in", "nin", "lt", "lte", "gt", "gte", "is"}
    assert set(fields["title"].operators) == order | {"contains", "startswith", "endswith"}
    assert set(fields["price"].operators) == order
    assert set(fields["tags"].operators) == {"has", "is"}
    assert not fields["tags"].sortable


def test_schemas_say_what_is_taken_and_shown() -> None:
    spec = describe(Book)
    create = spec.create_schema.model_json_schema()
    assert create["additionalProperties"] is False
    assert create["required"] == ["title", "price", "author_id"]
    assert create["properties"]["title"] == {"type": "string", "maxLength": 200, "title": "Title"}
    assert create["properties"]["status"]["default"] == "draft"
    assert create["properties"]["status"]["enum"] == ["draft", "published"]
    assert "owner_id" not in create["properties"]
    update = spec.update_schema.model_json_schema()
    assert "required" not in update
    assert "default" not in update["properties"]["status"]
    read = spec.read_schema.model_json_schema(mode="serialization")
    assert read["properties"]["price"]["type"] == "string"
    assert read["properties"]["label"]["description"] == "What a shelf says."
    assert "secret" not in read["properties"]
    assert set(read["required"]) == set(read["properties"])


def test_rows_are_made_as_with_any_mapped_class() -> None:
    book = Book(title="Emma", price=Decimal(1))
    assert book.title == "Emma"
    assert Book(title="Emma", status=Status.draft).label == "Emma (draft)"


class Wrong(Resource, family=True):
    __abstract__ = True


class Number(Enum):
    one = 1


def _no_table() -> Any:
    class NoTable(Wrong):
        name: Mapped[str] = field()

    return NoTable


def _system_column() -> Any:
    class Taken(Wrong):
        __tablename__ = "taken"
        row_version: Mapped[int] = field()

    return Taken


def _operator() -> Any:
    class OddOperator(Wrong):
        __tablename__ = "odd_operator"
        contains: Mapped[str] = field()

    return OddOperator


def _batch() -> Any:
    class Batch(Wrong):
        __tablename__ = "batch"

    return Batch


def _binary() -> Any:
    class Picture(Wrong):
        __tablename__ = "pictures"
        data: Mapped[bytes] = mapped_column(LargeBinary)

    return Picture


def _enum_of_numbers() -> Any:
    class OddEnum(Wrong):
        __tablename__ = "odd_enum"
        number: Mapped[Number] = field()

    return OddEnum


def _limit_of_another_kind() -> Any:
    class OddLimit(Wrong):
        __tablename__ = "odd_limit"
        count: Mapped[int] = field(max_length=3)

    return OddLimit


def _bad_bound() -> Any:
    class OddBound(Wrong):
        __tablename__ = "odd_bound"
        count: Mapped[int] = field(ge="many")

    return OddBound


def _count_of_one() -> Any:
    class OddCount(Wrong):
        __tablename__ = "odd_count"
        many = count_of("nothing")

    return OddCount


def _strange_option() -> Any:
    class OddOption(Wrong):
        __tablename__ = "odd_option"
        __api__ = MappingProxyType({"nmae": "x"})

    return OddOption


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (_no_table, "NoTable has no __tablename__"),
        (_system_column, "Taken declares row_version, which every resource has already"),
        (_operator, r"OddOperator\.contains is named like a filter operator"),
        (_batch, "Batch would be served as 'batch'"),
        (_binary, r"Picture\.data is a column of type LargeBinary, which JSON cannot carry"),
        (_enum_of_numbers, r"OddEnum\.number is annotated with a type that no field can hold"),
        (_limit_of_another_kind, r"OddLimit\.count is of kind integer and has no max_length"),
        (_bad_bound, r"OddBound\.count has ge='many'"),
        (_count_of_one, r"OddCount\.many counts 'nothing'"),
        (_strange_option, "has nmae, which is no option"),
    ],
)
def test_what_cannot_be_served_refuses_to_start(make: Any, sentence: str) -> None:
    with pytest.raises(ConfigurationError, match=sentence):
        describe(make())


def test_a_resource_may_be_served_under_another_name() -> None:
    class Renamed(Wrong):
        __tablename__ = "batch2"
        __api__ = Options(name="lots")

    assert describe(Renamed).name == "lots"
