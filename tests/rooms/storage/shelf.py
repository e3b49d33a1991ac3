"""A small library to test with: two tables of the tenant plane, statements over them, tenants."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Column, ForeignKeyConstraint, MetaData, Table, UniqueConstraint, bindparam, func, insert, select

from mainstay.base.events import Action
from mainstay.base.ids import uuid7
from mainstay.base.tenant import SystemScope, TenantScope
from mainstay.storage import Database, DatabaseOptions, Statement, compile_statement, open_database, sql
from mainstay.storage import types as t
from mainstay.storage.migrations import Plan, migrate
from mainstay.storage.outbox import Change, change_values, recorded
from mainstay.storage.statement import Rows, Script
from tests.databases import Urls


class Status(StrEnum):
    draft = "draft"
    published = "published"


metadata = MetaData()
authors = Table(
    "authors",
    metadata,
    Column("tenant_id", t.UuidText(), primary_key=True),
    Column("id", t.UuidText(), primary_key=True),
    Column("name", t.Text8()),
    info={"plane": "tenant", "rid": True},
)
books = Table(
    "books",
    metadata,
    Column("tenant_id", t.UuidText(), primary_key=True),
    Column("id", t.UuidText(), primary_key=True),
    Column("title", t.Text8(), nullable=False),
    Column("summary", t.Text8()),
    Column("price", t.ScaledDecimal()),
    Column("at", t.UtcDateTime()),
    Column("day", t.IsoDate()),
    Column("time", t.IsoTime()),
    Column("extra", t.JsonText()),
    Column("ratio", t.Double()),
    Column("number", t.Integer64()),
    Column("open", t.Boolean()),
    Column("status", t.EnumText(Status)),
    Column("author_id", t.UuidText()),
    Column("row_version", t.Integer64(), nullable=False, default=1),
    ForeignKeyConstraint(["tenant_id", "author_id"], ["authors.tenant_id", "authors.id"], name="fk_books_author_id"),
    UniqueConstraint("tenant_id", "title", name="uq_books_title"),
    info={"plane": "tenant", "rid": True, "search": ("title", "summary")},
)
secrets = Table("secrets", metadata, Column("id", t.Integer64(), primary_key=True), info={"plane": "control"})

SYSTEM = SystemScope("tests")


def tenant() -> TenantScope:
    """A scope of a new tenant."""
    return TenantScope(uuid7())


@asynccontextmanager
async def library(urls: Urls, **options: Any) -> AsyncIterator[Database]:
    """The database of `urls`, migrated and open."""
    database = open_database(DatabaseOptions(urls.database_url, urls.system_url, **options))
    await migrate(database, Plan(app=[metadata]))
    await database.open()
    try:
        yield database
    finally:
        await database.close()


class Shelf:
    """Statements over the books, compiled for one database."""

    def __init__(self, database: Database) -> None:
        self.database = database
        values: dict[str, Any] = {
            column.name: bindparam(column.name, None, type_=column.type)
            for column in books.columns
            if column.name not in ("tenant_id", "row_version")
        }
        added = insert(books).values(tenant_id=sql.TENANT, row_version=1, **values)
        self.add = self.plan(added.returning(books.c.id, books.c.row_version))
        self.titles = self.plan(select(books.c.title).where(sql.in_tenant(books)).order_by(books.c.title))
        self.count = self.plan(select(func.count()).select_from(books).where(sql.in_tenant(books)))

    def plan(self, element: Any, **options: Any) -> Statement:
        """The statement, compiled for this database."""
        return compile_statement(element, self.database.dialect, **options)

    def adding(self, title: str, **values: Any) -> Script[UUID]:
        """A script that adds a book and its outbox row."""
        key = uuid7()
        change = Change("books", Action.created, str(key), 1, {"title": title})
        statement = recorded(self.add, self.database.dialect)
        rows = yield statement, {"id": key, "title": title, **values, **change_values(change)}
        return UUID(rows[0][0])

    async def list(self, scope: TenantScope) -> list[str]:
        """The titles of the tenant's books, in order."""
        return [row[0] for row in await self.database.fetch(scope, self.titles, {})]

    async def read(self, scope: TenantScope, element: Any, **values: Any) -> Rows:
        """Rows of a select, as Python values."""
        statement = self.plan(element)
        return statement.read(await self.database.fetch(scope, statement, values))


PRICE = Decimal("12.5000")
