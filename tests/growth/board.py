"""Resources with every kind of declared order and relation, and a look at how a database runs their statements."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

import asyncpg
from sqlalchemy import Table
from sqlalchemy.orm import Mapped, relationship

from mainstay.access import Access, anyone, owner, row
from mainstay.base.actor import Actor
from mainstay.base.context import Caller
from mainstay.base.tenant import DEFAULT_TENANT, TenantScope
from mainstay.model import Options, Resource, field, link, owned, ref
from mainstay.resources.cursors import Cursors
from mainstay.resources.query import ListQuery, Under
from mainstay.storage import Statement
from mainstay.storage.statement import Raw
from tests.databases import Urls
from tests.rooms.resources.library import Shelf, shelf

KEY = b"k" * 32


class Board(Resource, family=True):
    __abstract__ = True


class State(StrEnum):
    open = "open"
    closed = "closed"


class Project(Board):
    """What tasks belong to."""

    __tablename__ = "projects"
    name: Mapped[str] = field(max_length=60, unique=True)
    code: Mapped[str | None] = field(max_length=20, unique=True)
    tasks: Mapped[list["Task"]] = relationship(back_populates="project")
    __access__ = Access(read=anyone, write=anyone)


class Label(Board):
    """A word that tasks share."""

    __tablename__ = "labels"
    name: Mapped[str] = field(max_length=40, unique=True)
    __access__ = Access(read=anyone, write=anyone)


class Task(Board):
    """Something to be done, by its owner or in the open."""

    __tablename__ = "tasks"
    title: Mapped[str] = field(max_length=200, index=True)
    due: Mapped[date | None] = field(index=True)
    effort: Mapped[int] = field(default=0)
    state: Mapped[State] = field(default=State.open, index=True)
    project_id: Mapped[UUID] = ref(Project)
    project: Mapped[Project] = relationship(back_populates="tasks")
    labels: Mapped[list[Label]] = relationship(secondary=lambda: task_labels)
    owner_id: Mapped[UUID] = owned()
    __access__ = Access(read=(row.state == "open") | owner | (row.project.name == "public"), write=owner, create=anyone)
    __api__ = Options(
        default_sort="-created_at",
        sorts=("-effort,title", "-due,effort", "state,due", "project_id,-title", "due,-created_at"),
    )


task_labels: Table = link("task_labels", Task, Label)
MODELS = (Project, Label, Task)


def member(tenant: UUID = DEFAULT_TENANT) -> Caller:
    return Caller(Actor(uuid4()), TenantScope(tenant), "test")


class Looked:
    """The board's records, and the plans that the database makes of their statements."""

    def __init__(self, records: Shelf, urls: Urls) -> None:
        self.shelf, self.urls, self.by = records, urls, member()

    async def plan(self, resource: str, query: str, place: list[Any] | None = None, side: str = "after") -> str:
        """How the list is found; `place` are the sort values after (or before) which it starts."""
        return await self.explained(*await self.bound(resource, query, place, side))

    async def bound(
        self, resource: str, query: str, place: list[Any] | None, side: str = "after", under: Under | None = None
    ) -> tuple[Statement, Raw]:
        """The statement of a list and its values; `under` are a parent, its relation, and its key."""
        records = self.shelf.records[resource]

        def read(text: str) -> ListQuery:
            query = records.read_query(text.encode())
            return query if under is None else query.under(under.parent, under.relation, under.key)

        asked = read(query)
        if place is not None:
            sealed = Cursors(KEY).seal(self.by.require_scope().key.encode() + asked.binding, place)
            asked = read(f"{query}&{side}={sealed}".strip("&"))
        plan, run, cursor, _ = await records._planner.rows(records.entry, self.by, asked)
        return plan.statement, plan.bind(asked, run.values, cursor)

    async def windows(self, resource: str, query: str) -> list[str]:
        """How the expansions of a list are found."""
        records = self.shelf.records[resource]
        plan, run, _, _ = await records._planner.rows(records.entry, self.by, records.read_query(query.encode()))
        found = []
        for each in plan.expansions:
            assert each.statement is not None
            keys: Any = "[]" if self.urls.name == "sqlite" else []
            found.append(await self.explained(each.statement, Raw(run.values, related_keys=keys)))
        return found

    async def explained(self, statement: Statement, values: Raw) -> str:
        scope = self.by.require_scope()
        if self.urls.name == "sqlite":
            rows = await self.shelf.database.fetch(
                scope, statement.replace(sql=f"EXPLAIN QUERY PLAN {statement.sql}"), values
            )
            return "\n".join(row[3] for row in rows)
        # On an empty table a scan is the best plan: it is taken away, and what is left if there is no index shows.
        connection = await asyncpg.connect(self.urls.database_url)
        try:
            for name in ("uuid", "json", "jsonb"):
                await connection.set_type_codec(name, schema="pg_catalog", encoder=str, decoder=str, format="text")
            for name in ("seqscan", "bitmapscan", "sort"):
                await connection.execute(f"SET enable_{name} = off")
            lines = await connection.fetch(f"EXPLAIN (COSTS OFF) {statement.sql}", *statement.bind(scope, values))
            return "\n".join(line[0] for line in lines)
        finally:
            await connection.close()


def sorts(plan: str, *, wholly: bool = False) -> bool:
    """Whether rows are put in order after they were found; or only if no index helped with it."""
    by_database = r"USE TEMP B-TREE FOR ORDER BY|^(?:\s*->\s+)?Sort\b"
    partly = r"|USE TEMP B-TREE FOR LAST|Incremental Sort"
    return bool(re.search(by_database if wholly else by_database + partly, plan, re.M))


def scans(plan: str) -> bool:
    """Whether a table is read as a whole."""
    return bool(re.search(r"SCAN (projects|labels|tasks|task_labels)|Seq Scan", plan))


@asynccontextmanager
async def board(urls: Urls) -> AsyncIterator[Looked]:
    """The board over one database."""
    async with shelf(urls, MODELS, Board) as records:
        yield Looked(records, urls)
