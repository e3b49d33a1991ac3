"""What PostgreSQL makes of planned statements: kept plans, and how long one may take."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
from sqlalchemy import Integer, bindparam, func, literal_column, select

from mainstay.base.errors import Unavailable
from mainstay.storage import Database, Statement, sql
from mainstay.storage.engines.postgres import PostgreSQL
from mainstay.storage.statement import Script
from scripts.services import SUPERUSER
from tests.databases import Administrator, Urls
from tests.rooms.storage.shelf import Shelf, books, library, tenant


@pytest.fixture
async def database(postgresql_urls: Urls) -> AsyncIterator[Database]:
    async with library(postgresql_urls, pool_size=1, statement_timeout=0.4) as found:
        yield found


def page(shelf: Shelf, kind: Integer) -> Statement:
    core = select(books.c.title).where(sql.in_tenant(books)).order_by(books.c.id).limit(bindparam("n", type_=kind))
    return shelf.plan(core)


async def plans(database: Database, statement: Statement) -> tuple[int, int]:
    """How often the statement was run by the plan that is kept, and how often it was planned anew."""
    engine = database.engine
    assert isinstance(engine, PostgreSQL)
    connection = await engine._requests.acquire()
    try:
        asked = "SELECT generic_plans, custom_plans FROM pg_prepared_statements WHERE statement = $1"
        row = await connection.fetchrow(asked, statement.sql)
        return row[0], row[1]
    finally:
        engine._requests.give(connection)


async def fill(database: Database, shelf: Shelf, count: int) -> None:
    engine = database.engine
    assert isinstance(engine, PostgreSQL)
    owner = await engine.system.connect()
    try:
        async with owner.transaction():
            await owner.execute("SELECT set_config('mainstay.system', 'on', true)")
            await owner.execute(
                "INSERT INTO books (tenant_id, id, title, row_version) SELECT $1::text::uuid, gen_random_uuid(), "
                f"'Book ' || n, 1 FROM generate_series(1, {count}) n",
                FILLED.key,
            )
        await owner.execute("ANALYZE books")
    finally:
        await owner.close()


FILLED = tenant()


async def test_a_page_with_a_bound_is_planned_once(database: Database) -> None:
    shelf = Shelf(database)
    await fill(database, shelf, 3_000)
    bounded, unbounded = page(shelf, sql.UpTo(201)), page(shelf, Integer())
    for _ in range(12):
        assert len(await database.fetch(FILLED, bounded, {"n": 21})) == 21
        assert len(await database.fetch(FILLED, unbounded, {"n": 21})) == 21
    kept, anew = await plans(database, bounded)
    assert (kept, anew) == (7, 5), "PostgreSQL tries five plans of its own before it keeps one"
    assert (await plans(database, unbounded))[0] == 0, "the bound is what makes the difference"


async def test_the_bound_changes_neither_rows_nor_order(database: Database) -> None:
    shelf = Shelf(database)
    await fill(database, shelf, 300)
    for n in (1, 20, 201):
        rows = await database.fetch(FILLED, page(shelf, sql.UpTo(201)), {"n": n})
        assert [tuple(row) for row in rows] == [
            tuple(row) for row in await database.fetch(FILLED, page(shelf, Integer()), {"n": n})
        ]
        assert len(rows) == n
    assert await database.fetch(tenant(), page(shelf, sql.UpTo(201)), {"n": 20}) == []


def slow(shelf: Shelf) -> Statement:
    nap = func.pg_sleep(literal_column("60"))
    return shelf.plan(select(nap).select_from(books).where(sql.in_tenant(books)).limit(1))


async def test_a_statement_that_takes_too_long_is_unavailable_and_the_next_one_is_served(database: Database) -> None:
    shelf = Shelf(database)
    await database.write(FILLED, shelf.adding("One"))
    began = time.monotonic()
    with pytest.raises(Unavailable) as refused:
        await database.fetch(FILLED, slow(shelf), {})
    assert 0.4 <= time.monotonic() - began < 30
    assert refused.value.headers["Retry-After"]
    # There is one connection only: the one that hung was given up, not waited for.
    assert await shelf.list(FILLED) == ["One"]


async def test_a_change_that_takes_too_long_changes_nothing(database: Database) -> None:
    shelf = Shelf(database)

    def adding() -> Script[Any]:
        key = yield from shelf.adding("One")
        yield slow(shelf), {}
        return key

    with pytest.raises(Unavailable):
        await database.write(FILLED, adding())
    assert await shelf.list(FILLED) == []


async def test_a_cancelled_request_is_cancelled_and_not_late(database: Database) -> None:
    shelf = Shelf(database)
    await database.write(FILLED, shelf.adding("One"))
    task = asyncio.create_task(database.fetch(FILLED, slow(shelf), {}))
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await shelf.list(FILLED) == ["One"]


async def end_the_one_that_sleeps(administrator: Administrator, urls: Urls) -> None:
    """Kill the session that is at `slow`, as a crash of its server process would."""
    connection = await asyncpg.connect(administrator.cluster.url("postgres", SUPERUSER))
    asked = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 AND state = 'active' "
        "AND query LIKE '%pg_sleep%' AND pid <> pg_backend_pid()"
    )
    try:
        while not await connection.fetch(asked, urls.database_url.rpartition("/")[2]):
            await asyncio.sleep(0.01)
    finally:
        await connection.close()


async def test_a_connection_lost_in_the_middle_of_a_change_is_unavailable(
    postgresql_urls: Urls, administrator: Administrator
) -> None:
    async with library(postgresql_urls, pool_size=1) as database:
        shelf = Shelf(database)

        def adding() -> Script[Any]:
            key = yield from shelf.adding("One")
            yield slow(shelf), {}
            return key

        writing = asyncio.create_task(database.write(FILLED, adding()))
        await end_the_one_that_sleeps(administrator, postgresql_urls)
        with pytest.raises(Unavailable) as refused:
            await writing
        assert refused.value.headers["Retry-After"]
        assert await shelf.list(FILLED) == []


async def test_a_connection_lost_in_the_middle_of_a_read_is_replaced_once(
    postgresql_urls: Urls, administrator: Administrator
) -> None:
    async with library(postgresql_urls, pool_size=1) as database:
        shelf = Shelf(database)
        await database.write(FILLED, shelf.adding("One"))
        reading = asyncio.create_task(database.fetch(FILLED, slow(shelf), {}))
        await end_the_one_that_sleeps(administrator, postgresql_urls)
        await end_the_one_that_sleeps(administrator, postgresql_urls)
        with pytest.raises(Unavailable):
            await reading
        assert await shelf.list(FILLED) == ["One"]
