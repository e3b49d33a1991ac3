"""A library of resources that the tests of the room share, and callers who use it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

import orjson
from sqlalchemy import Table, select
from sqlalchemy.orm import Mapped, relationship

from mainstay.access import Access, Mask, anyone, owner, role, row
from mainstay.base.actor import ANONYMOUS, Actor
from mainstay.base.clock import Clock
from mainstay.base.context import Caller
from mainstay.base.tenant import DEFAULT_TENANT, TenantScope
from mainstay.model import Options, Resource, check, computed, count_of, field, link, owned, ref
from mainstay.resources import Records, Registry, ResourcesOptions
from mainstay.storage import DatabaseOptions, compile_statement, open_database
from mainstay.storage.migrations import Plan, migrate
from mainstay.storage.sql import in_tenant
from mainstay.storage.tables import outbox as table
from tests.databases import Urls


class Library(Resource, family=True):
    __abstract__ = True


class Status(StrEnum):
    draft = "draft"
    published = "published"


class Country(Library):
    """Where authors come from."""

    __tablename__ = "countries"
    name: Mapped[str] = field(max_length=60, unique=True)
    __access__ = Access(read=anyone, write=role("editor"))


class Author(Library):
    """Somebody who writes books."""

    __tablename__ = "authors"
    name: Mapped[str] = field(max_length=120, search=True)
    secret: Mapped[bool] = field(default=False)
    country_id: Mapped[UUID | None] = ref(Country)
    country: Mapped[Country | None] = relationship()
    books: Mapped[list["Book"]] = relationship(back_populates="author")
    book_count = count_of("books")
    __access__ = Access(read=row.secret == False, write=role("editor"))  # noqa: E712  a rule, not a comparison


class Tag(Library):
    """A word that books share."""

    __tablename__ = "tags"
    name: Mapped[str] = field(max_length=40, unique=True)
    books: Mapped[list["Book"]] = relationship(secondary=lambda: book_tags, back_populates="tags")
    __access__ = Access(read=anyone, write=role("editor"))


class Book(Library):
    """A title in the catalogue."""

    __tablename__ = "books"
    title: Mapped[str] = field(max_length=200, search=True, index=True)
    summary: Mapped[str | None] = field(search=True)
    price: Mapped[Decimal] = field(default=Decimal(1), ge=0, index=True)
    stock: Mapped[int | None] = field()
    rating: Mapped[float | None] = field()
    published_on: Mapped[date | None] = field()
    seen_at: Mapped[datetime | None] = field()
    lent: Mapped[bool] = field(default=False)
    labels: Mapped[list[str]] = field(default_factory=list)
    details: Mapped[dict[str, Any] | None] = field()
    isbn: Mapped[str | None] = field(max_length=20, unique=True)
    cost: Mapped[int | None] = field()
    author_id: Mapped[UUID | None] = ref(Author)
    author: Mapped[Author | None] = relationship(back_populates="books")
    tags: Mapped[list[Tag]] = relationship(secondary=lambda: book_tags, back_populates="books")
    owner_id: Mapped[UUID] = owned()
    status: Mapped[Status] = field(default=Status.draft)

    @computed
    def label(self) -> str:
        return f"{self.title} ({self.price})"

    @check
    def not_free_and_lent(self) -> None:
        if self.lent and self.price == 0:
            raise ValueError("A free book is not lent.")

    __access__ = Access(
        read=(row.status == "published") | owner,
        write=owner | role("editor"),
        create=owner,
        fields={"cost": Mask(read=owner, write=owner)},
    )
    __api__ = Options(create_on_put=True)


book_tags: Table = link("book_tags", Book, Tag)


class Vault(Library):
    """What only administrators see."""

    __tablename__ = "vaults"
    code: Mapped[str] = field(max_length=40, search=True)
    pin: Mapped[str] = field(max_length=40, default="0", search=True)
    book_id: Mapped[UUID | None] = ref(Book)
    book: Mapped[Book | None] = relationship()


class Shop(Library):
    """Who sells a book, and what is in its vault."""

    __tablename__ = "shops"
    name: Mapped[str] = field(max_length=40, search=True)
    takings: Mapped[int] = field(default=0, index=True)
    motto: Mapped[str | None] = field(search=True)
    vault_id: Mapped[UUID | None] = ref(Vault)
    vault: Mapped[Vault | None] = relationship()
    vaults: Mapped[list[Vault]] = relationship(secondary=lambda: shop_vaults)
    vault_count = count_of("vaults")
    __access__ = Access(
        read=anyone,
        write=role("editor"),
        fields={"takings": Mask(read=role("admin")), "motto": Mask(read=role("admin"))},
    )


shop_vaults: Table = link("shop_vaults", Shop, Vault)


class Chapter(Library):
    """A part of a book, gone with it; whoever may change the book may change it."""

    __tablename__ = "chapters"
    heading: Mapped[str] = field(max_length=80)
    book_id: Mapped[UUID] = ref(Book, on_delete="cascade")
    book: Mapped[Book] = relationship()
    __access__ = Access(read=anyone, write=row.book.status == "draft")


MODELS = (Country, Author, Tag, Book, Chapter, Vault, Shop)
OTHER_TENANT = UUID("00000000-0000-7000-8000-00000000000b")


def caller(*roles: str, user: UUID | None = None, tenant: UUID = DEFAULT_TENANT) -> Caller:
    """Somebody signed in, with these roles."""
    return Caller(Actor(user_id=user or uuid4(), roles=frozenset(roles)), TenantScope(tenant), "test")


def nobody(tenant: UUID = DEFAULT_TENANT) -> Caller:
    """A caller who is not signed in."""
    return Caller(ANONYMOUS, TenantScope(tenant), "test")


class Shelf:
    """Records over one database, and the words the tests use."""

    def __init__(self, records: Records) -> None:
        self.records = records
        self.database = records.database
        self.admin = caller("admin")

    async def create(self, resource: str, by: Caller | None = None, /, **data: Any) -> dict[str, Any]:
        written = await self.records[resource].create(by or self.admin, data)
        assert written.body is not None
        found: dict[str, Any] = orjson.loads(written.body)
        return found

    async def page(self, name: str, query: str = "", by: Caller | None = None) -> dict[str, Any]:
        resource = self.records[name]
        answer = await resource.page(by or self.admin, resource.read_query(query.encode()))
        found: dict[str, Any] = orjson.loads(answer.body)
        return found

    async def items(self, name: str, query: str = "", by: Caller | None = None) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.page(name, query, by))["items"]
        return found

    async def one(self, name: str, key: str, query: str = "", by: Caller | None = None) -> dict[str, Any]:
        resource = self.records[name]
        answer = await resource.one(by or self.admin, key, resource.read_query(query.encode(), kind="one"))
        found: dict[str, Any] = orjson.loads(answer.body)
        return found


@asynccontextmanager
async def shelf(
    urls: Urls, models: tuple[type[Any], ...] = MODELS, family: type[Any] = Library, clock: Clock | None = None
) -> AsyncIterator[Shelf]:
    """A migrated, open database with the models' resources."""
    database = open_database(DatabaseOptions(url=urls.database_url, system_url=urls.system_url))
    await migrate(database, Plan(app=[family.metadata]))
    await database.open()
    try:
        registry = Registry(ResourcesOptions())
        for model in models:
            registry.add(model)
        yield Shelf(Records(registry, database, cursor_key=b"k" * 32, clock=clock))
    finally:
        await database.close()


async def outbox(library: Shelf) -> list[tuple[str, str, int]]:
    """Every outbox row of the default tenant, in the order of writing."""
    core = select(table.c.channel, table.c.action, table.c.row_version).where(in_tenant(table)).order_by(table.c.seq)
    statement = compile_statement(core, library.database.dialect)
    rows = await library.database.fetch(library.admin.require_scope(), statement, {})
    return [(channel, action, version) for channel, action, version in rows]
