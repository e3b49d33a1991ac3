"""The third net: PostgreSQL itself keeps tenants apart, in the statement's own round trip."""

import asyncpg
import pytest
from sqlalchemy import bindparam, delete, exists, func, insert, select, update

from mainstay.base.errors import ConfigurationError
from mainstay.base.ids import uuid7
from mainstay.storage import DatabaseOptions, open_database, sql
from mainstay.storage.engines.postgres import PostgreSQL
from mainstay.storage.statement import Script
from scripts import services
from tests.databases import Administrator, Urls
from tests.rooms.storage.shelf import SYSTEM, Shelf, authors, books, library, secrets, tenant

MINE = sql.in_tenant(books)


async def test_no_setting_no_rows_and_no_statement_of_the_app_role_gets_around_it(postgresql_urls: Urls) -> None:
    async with library(postgresql_urls) as database:
        scope = tenant()
        await database.write(scope, Shelf(database).adding("Mine"), single=True)
        connection = await asyncpg.connect(postgresql_urls.database_url)
        try:
            assert await connection.fetchval("SELECT count(*) FROM books") == 0
            assert await connection.fetchval("SELECT count(*) FROM mainstay_outbox") == 0
            assert await connection.execute("DELETE FROM books") == "DELETE 0"
            for statement in (
                "SELECT count(*) FROM secrets",
                "TRUNCATE books",
                "ALTER TABLE books DISABLE ROW LEVEL SECURITY",
                "SELECT count(*) FROM mainstay_relay",
            ):
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await connection.execute(statement)
            # What a pooled connection is left with after a transaction-local setting: '' must not be an error.
            async with connection.transaction():
                await connection.execute("SELECT set_config('mainstay.tenant', $1, true)", scope.key)
                assert await connection.fetchval("SELECT count(*) FROM books") == 1
            assert await connection.fetchval("SELECT count(*) FROM books") == 0
            # The system's setting is for the owner's role alone.
            async with connection.transaction():
                await connection.execute("SELECT set_config('mainstay.system', 'on', true)")
                assert await connection.fetchval("SELECT count(*) FROM books") == 0
            async with connection.transaction():
                await connection.execute("SELECT set_config('mainstay.tenant', $1, true)", tenant().key)
                with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
                    await connection.execute("INSERT INTO books (tenant_id, id, title) VALUES ($1, $1, 'x')", scope.key)
        finally:
            await connection.close()


async def test_the_owner_is_bound_too(postgresql_urls: Urls) -> None:
    async with library(postgresql_urls) as database:
        await database.write(tenant(), Shelf(database).adding("Mine"), single=True)
        connection = await asyncpg.connect(postgresql_urls.system_url)
        try:
            assert await connection.fetchval("SELECT count(*) FROM books") == 0
        finally:
            await connection.close()


async def test_a_planned_statement_makes_its_own_setting_before_any_row_is_looked_at(postgresql_urls: Urls) -> None:
    async with library(postgresql_urls) as database:
        engine = database.engine
        assert isinstance(engine, PostgreSQL)
        shelf, scope = Shelf(database), tenant()
        for number in range(200):
            await database.write(scope, shelf.adding(f"{number:03}"), single=True)
        owner = await asyncpg.connect(postgresql_urls.system_url)
        await owner.execute("ANALYZE books")
        await owner.close()
        key = bindparam("key", uuid7(), type_=books.c.id.type)
        related = exists().where(sql.in_tenant(authors), authors.c.id == books.c.author_id)
        elements = [
            select(books.c.title).where(MINE).order_by(books.c.title).limit(20),
            select(books.c.title).where(MINE).order_by(books.c.id).limit(1),
            select(books.c.title).where(MINE, books.c.id == key),
            select(books.c.title).where(MINE, related),
            select(books.c.title, authors.c.name)
            .outerjoin(authors, (authors.c.id == books.c.author_id) & sql.in_tenant(authors))
            .where(MINE)
            .order_by(books.c.title)
            .limit(5),
            select(func.count()).select_from(books).where(MINE),
            select(books.c.title).where(MINE).union(select(authors.c.name).where(sql.in_tenant(authors))),
            update(books).where(MINE, books.c.id == key).values(title="x").returning(books.c.id),
            delete(books).where(MINE, books.c.id == key).returning(books.c.id),
        ]
        connection = await asyncpg.connect(postgresql_urls.database_url)
        try:
            for element in elements:
                statement = shelf.plan(element)
                arguments = [
                    str(value) if name == "key" else value
                    for name, value in zip(statement.order, statement.bind(scope, {}), strict=True)
                ]
                rows = await connection.fetch("EXPLAIN (COSTS OFF) " + statement.sql, *arguments)
                plan = [row[0] for row in rows]
                gate = next(n for n, line in enumerate(plan) if "One-Time Filter: (" in line and "IS NOT NULL" in line)
                scans = [n for n, line in enumerate(plan) if "Scan" in line and "Result" not in line]
                assert scans, plan
                assert all(scan > gate for scan in scans), "\n".join(plan)
        finally:
            await connection.close()
        assert len(await database.fetch(scope, shelf.plan(elements[0]), {})) == 20
        assert len(await database.fetch(scope, shelf.plan(elements[1]), {})) == 1


async def test_a_setting_made_too_late_yields_no_rows(postgresql_urls: Urls) -> None:
    async with library(postgresql_urls) as database:
        scope = tenant()
        await database.write(scope, Shelf(database).adding("Mine"), single=True)
        connection = await asyncpg.connect(postgresql_urls.database_url)
        try:
            late = """WITH b AS MATERIALIZED (SELECT title FROM books WHERE tenant_id = $1::uuid)
                SELECT b.title, set_config('mainstay.tenant', $1::uuid::text, true) FROM b"""
            assert await connection.fetch(late, scope.tenant_id) == []
            early = """SELECT title FROM books WHERE tenant_id = $1::uuid
                AND (SELECT set_config('mainstay.tenant', $1::uuid::text, true)) IS NOT NULL"""
            assert len(await connection.fetch(early, scope.tenant_id)) == 1
        finally:
            await connection.close()


async def test_reads_and_single_writes_take_one_round_trip(postgresql_urls: Urls) -> None:
    async with library(postgresql_urls, pool_size=1) as database:
        engine = database.engine
        assert isinstance(engine, PostgreSQL)
        shelf, scope = Shelf(database), tenant()
        await database.write(scope, shelf.adding("Warm"), single=True)
        await shelf.list(scope)
        connection = await engine._requests.acquire()
        seen: list[str] = []
        connection.add_query_logger(lambda record: seen.append(record.query))
        engine._requests.give(connection)
        await shelf.list(scope)
        await database.write(scope, shelf.adding("One"), single=True)
        await database.ping()  # the driver reports a query in the loop's next round
        assert [text[:18] for text in seen] == ["SELECT books.title", "WITH mainstay_row "]


async def test_a_role_that_row_security_does_not_bind_is_refused(
    postgresql_urls: Urls, administrator: Administrator
) -> None:
    name = postgresql_urls.database_url.rpartition("/")[2]
    superuser = administrator.cluster.url(name, services.SUPERUSER)
    database = open_database(DatabaseOptions(superuser))
    with pytest.raises(ConfigurationError, match="superuser"):
        await database.open()
    await database.close()
    relaxed = open_database(DatabaseOptions(superuser, relaxed=True))
    await relaxed.open()
    await relaxed.close()


async def test_the_relay_and_control_plane_live_under_the_second_role(postgresql_urls: Urls) -> None:
    async with library(postgresql_urls) as database:
        shelf = Shelf(database)

        def script() -> Script[None]:
            yield shelf.plan(insert(secrets).values(id=1)), {}

        await database.write(SYSTEM, script(), single=True)
        assert len(await database.fetch(SYSTEM, shelf.plan(select(secrets.c.id)), {})) == 1
