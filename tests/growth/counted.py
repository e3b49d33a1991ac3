"""Tenants filled by SQL, and how much a database does for a statement: counted, which no busy machine changes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
from pysqlite3 import dbapi2  # type: ignore[import-untyped]  # ships no types

from mainstay.storage import Statement
from mainstay.storage.statement import Raw
from tests.databases import Urls
from tests.growth.board import Looked

PROJECTS, OWNERS = 4, 5
_START = datetime(2026, 1, 1, tzinfo=UTC)


def key(kind: int, number: int) -> str:
    """The id of a row: projects are of kind 1, owners 2, tasks 3. Tenants have the same ones."""
    return f"{number:08x}-0000-7000-8000-{kind:012x}"


def moment(number: int) -> datetime:
    return _START + timedelta(seconds=number // 3)


def day(number: int) -> date | None:
    return None if number % 3 == 0 else date(2020, 1, 1) + timedelta(days=number * 31 % 97)


async def fill(urls: Urls, tenant: UUID, tasks: int) -> None:
    """Projects and tasks of one tenant, and what the database knows of its tables renewed."""
    projects = [(str(tenant), key(1, n), f"project {n}", _START, _START, 1) for n in range(PROJECTS)]
    rows = [
        (
            *(str(tenant), key(3, n), f"task {n * 31 % tasks:08}", day(n), n % 4, "closed" if n % 5 == 0 else "open"),
            *(key(1, n * 7 % PROJECTS), key(2, n * 3 % OWNERS), moment(n), moment(n), 1),
        )
        for n in range(tasks)
    ]
    columns = "tenant_id, id, title, due, effort, state, project_id, owner_id, created_at, updated_at, row_version"
    for table, names, values in (
        ("projects", "tenant_id, id, name, created_at, updated_at, row_version", projects),
        ("tasks", columns, rows),
    ):
        if urls.name == "sqlite":
            marks = ", ".join("?" * len(values[0]))
            connection = dbapi2.connect(urls.database_url.removeprefix("sqlite:///"))
            connection.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", map(_stored, values))
            connection.commit()
            connection.close()
            continue
        marks = ", ".join(f"${n + 1}" for n in range(len(values[0])))
        system = await asyncpg.connect(urls.system_url)
        async with system.transaction():
            await system.execute("SELECT set_config('mainstay.system', 'on', true)")
            await system.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", values)
        await system.execute(f"ANALYZE {table}")
        await system.close()


def _stored(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(
        f"{value:%Y-%m-%dT%H:%M:%S.%fZ}"
        if isinstance(value, datetime)
        else value.isoformat()
        if isinstance(value, date)
        else value
        for value in row
    )


class Counting:
    """A connection that counts what statements cost: SQLite's instructions, or the pages that PostgreSQL touches."""

    def __init__(self, looked: Looked, connection: Any) -> None:
        self._looked, self._connection = looked, connection

    async def cost(self, statement: Statement, values: Raw) -> int:
        arguments = statement.bind(self._looked.by.require_scope(), values)
        if self._looked.urls.name == "sqlite":
            return self._instructions(statement.sql, arguments)
        given = ", ".join(map(_literal, arguments))
        # After five plans of its own the server chooses whether it keeps one for all values.
        run = f"EXECUTE looked ({given});"
        await self._connection.execute(f"PREPARE looked AS {statement.sql}; {run * 6}")
        lines = await self._connection.fetch(f"EXPLAIN (ANALYZE, BUFFERS, COSTS OFF, TIMING OFF) {run}")
        await self._connection.execute("DEALLOCATE looked")
        # The first line about buffers is that of the whole.
        told = next((line[0] for line in lines if "Buffers: shared" in line[0]), "")
        return sum(int(part.partition("=")[2]) for part in told.split() if part.startswith(("hit=", "read=")))

    def _instructions(self, sql: str, arguments: Any) -> int:
        count = 0

        def counted() -> int:
            nonlocal count
            count += 1
            return 0

        self._connection.set_progress_handler(counted, 1)
        self._connection.execute(sql, arguments).fetchall()
        self._connection.set_progress_handler(None, 0)
        return count


@asynccontextmanager
async def counting(looked: Looked) -> AsyncIterator[Counting]:
    """Counts on a connection of its own, as the role that requests come under."""
    if looked.urls.name == "sqlite":
        file = dbapi2.connect(looked.urls.database_url.removeprefix("sqlite:///"))
        yield Counting(looked, file)
        file.close()
        return
    connection = await asyncpg.connect(looked.urls.database_url)
    try:
        yield Counting(looked, connection)
    finally:
        await connection.close()


def _literal(value: Any) -> str:
    if isinstance(value, list):
        return f"'{{{','.join(map(str, value))}}}'"
    return "NULL" if value is None else "'" + str(value).replace("'", "''") + "'"
