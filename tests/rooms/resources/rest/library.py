"""A small library over HTTP: three resources, two tenants, callers by name, on a fresh database."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

import httpx
from sqlalchemy import func, select
from sqlalchemy.orm import Mapped, relationship

from mainstay.access import Access, owner, role, row, signed_in
from mainstay.base.actor import ANONYMOUS, Actor
from mainstay.base.context import Caller
from mainstay.base.errors import SignInRequired
from mainstay.base.ports import Headers
from mainstay.base.tenant import DEFAULT_TENANT, SystemScope, TenantScope
from mainstay.model import Options, Resource, count_of, field, link, owned, ref
from mainstay.resources import Records, Registry
from mainstay.resources.rest import RestOptions, RestRoutes
from mainstay.storage import Database, DatabaseOptions, open_database, tables
from mainstay.storage.migrations import Plan, migrate
from mainstay.web import AccessLog, BodyLimits, Spine, bearer
from tests.databases import Urls

OTHER_TENANT = UUID("00000000-0000-7000-8000-000000000002")
PEOPLE = {
    "admin": Actor(UUID("0190f6a2-0000-7000-8000-00000000000a"), frozenset({"admin"})),
    "editor": Actor(UUID("0190f6a2-0000-7000-8000-00000000000e"), frozenset({"editor"})),
    "reader": Actor(UUID("0190f6a2-0000-7000-8000-00000000000f"), frozenset({"user"})),
}


class Status(StrEnum):
    draft = "draft"
    published = "published"


class Base(Resource, family=True):
    __abstract__ = True


class Tag(Base):
    """A word on a book."""

    __tablename__ = "tags"
    __access__ = Access(read=signed_in, write=role("editor"))
    __api__ = Options(create_on_put=True)
    name: Mapped[str] = field(max_length=30, min_length=1, unique=True)


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
    __access__ = Access(read=(row.status == "published") | owner | role("editor"), write=owner | role("editor"))
    title: Mapped[str] = field(max_length=200, min_length=1, search=True)
    summary: Mapped[str | None] = field(default=None)
    price: Mapped[Decimal] = field(gt=0)
    pages: Mapped[int | None] = field(default=None, ge=0)
    status: Mapped[Status] = field(default=Status.published)
    sold_at: Mapped[datetime | None] = field(default=None)
    words: Mapped[list[str]] = field(default_factory=list)
    extra: Mapped[dict[str, Any] | None] = field(default=None)
    isbn: Mapped[str | None] = field(default=None, unique=True, max_length=13)
    author_id: Mapped[UUID] = ref(Author)
    author: Mapped[Author] = relationship(back_populates="books")
    owner_id: Mapped[UUID | None] = owned()
    tags: Mapped[list[Tag]] = relationship(secondary=link("book_tags", "books", "tags", metadata=Base.metadata))


class Note(Base):
    """A remark that is changed only by those who have seen it."""

    __tablename__ = "notes"
    __access__ = Access(read=signed_in, write=signed_in)
    __api__ = Options(require_if_match=True, hide=("delete",))
    text: Mapped[str] = field(default="")


class Names:
    """Callers by name: `Authorization: Bearer editor`, in the tenant that `X-Tenant: other` names."""

    def recall(self, headers: Headers, request_id: str, method: str = "") -> Caller | None:
        known = list(headers)
        name = bearer(known)
        if name is not None and name not in PEOPLE:
            raise SignInRequired(error="invalid_token")
        other = (b"x-tenant", b"other") in known
        scope = TenantScope(OTHER_TENANT if other else DEFAULT_TENANT)
        return Caller(PEOPLE[name] if name else ANONYMOUS, scope, request_id)

    async def identify(self, headers: Headers, request_id: str, method: str = "") -> Caller:
        found = self.recall(headers, request_id)
        assert found is not None
        return found


@dataclass
class Library:
    """The library at work. `client` speaks as the editor unless told otherwise."""

    database: Database
    records: Records
    app: Spine
    client: httpx.AsyncClient

    async def create(self, resource: str, **values: Any) -> dict[str, Any]:
        answer = await self.client.post(f"/api/v1/{resource}", json=values)
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def author(self, name: str = "Ada") -> dict[str, Any]:
        return await self.create("authors", name=name)

    async def book(self, title: str = "Emma", **values: Any) -> dict[str, Any]:
        if "author_id" not in values:
            values["author_id"] = (await self.author())["id"]
        return await self.create("books", **{"title": title, "price": "12.50", **values})

    async def sizes(self) -> dict[str, int]:
        """How many rows each table holds over all tenants, the outbox among them."""
        names = [*Base.metadata.sorted_tables, *tables.metadata.sorted_tables]

        def count(connection: Any) -> dict[str, int]:
            return {
                table.name: connection.scalar(select(func.count()).select_from(table))
                for table in names
                if "idempotency" not in table.name
            }

        return await self.database.administer(count, changes=False)


def caller(name: str = "editor", tenant: UUID = DEFAULT_TENANT) -> Caller:
    return Caller(PEOPLE[name], TenantScope(tenant), "test-request")


@asynccontextmanager
async def open_library(urls: Urls) -> AsyncIterator[Library]:
    database = open_database(DatabaseOptions(urls.database_url, urls.system_url))
    await database.open()
    try:
        await migrate(database, Plan(app=[Base.metadata]))
        registry = Registry()
        for model in (Author, Book, Tag, Note):
            registry.add(model)
        records = Records(registry, database, cursor_key=b"k" * 32)
        routes = RestRoutes(registry, records, Names(), RestOptions(limits=BodyLimits(size=200_000)))
        app = Spine(routes, AccessLog("off"))
        transport = httpx.ASGITransport(app=app)
        headers = {"Authorization": "Bearer editor"}
        async with httpx.AsyncClient(transport=transport, base_url="http://library", headers=headers) as client:
            yield Library(database, records, app, client)
    finally:
        await database.close()


SYSTEM = SystemScope("tests")
