"""Tenants filled with as many tasks as a test asks for."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
from pysqlite3 import dbapi2  # type: ignore[import-untyped]  # ships no types

from tests.databases import Urls

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
