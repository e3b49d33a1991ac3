"""Behind a real PgBouncer that pools by transaction: two server connections, shared by everybody."""

import asyncio
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from mainstay.base.errors import ConfigurationError
from mainstay.storage import DatabaseOptions, open_database, sql
from mainstay.storage.errors import UniqueClash
from scripts.packages import ServiceMissing
from scripts.pgbouncer import pgbouncer
from tests.databases import Administrator, Urls
from tests.rooms.storage.shelf import Shelf, books, library, tenant


@pytest.fixture(scope="module")
def pooler(administrator: Administrator) -> Iterator[int]:
    """The port of a PgBouncer of this module's own."""
    # Not pytest's folders: PgBouncer, which is somebody else, could not enter them.
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        try:
            with pgbouncer(administrator.cluster, Path(folder)) as port:
                yield port
        except ServiceMissing as missing:
            pytest.fail(str(missing), pytrace=False)


def through(url: str, administrator: Administrator, port: int) -> str:
    """The same database by way of the pooler."""
    return url.replace(f":{administrator.cluster.port}/", f":{port}/")


@pytest.fixture
def pooled_urls(postgresql_urls: Urls, administrator: Administrator, pooler: int) -> Iterator[Urls]:
    """Requests through the pooler without prepared statements, the owner directly."""
    requests = through(postgresql_urls.database_url, administrator, pooler) + "?prepared=off"
    yield Urls(requests, postgresql_urls.system_url, "postgresql")
    # The pooler keeps its connections for the next client; the database is to be dropped.
    name = postgresql_urls.database_url.rpartition("/")[2]
    administrator.disconnect(name)


async def test_everything_works_without_prepared_statements(pooled_urls: Urls) -> None:
    async with library(pooled_urls, pool_size=8) as database:
        shelf, mine, other = Shelf(database), tenant(), tenant()

        async def work(number: int) -> None:
            scope = mine if number % 2 else other
            await database.write(scope, shelf.adding(f"Single {number}"), single=True)
            await database.write(scope, shelf.adding(f"Whole {number}"))
            assert f"Single {number}" in await shelf.list(scope)
            async with database.session(scope) as session:
                found = await session.execute(sql.unsafe(select(books.c.title).where(sql.in_tenant(books))),
                                              {"mainstay_tenant": scope.tenant_id})  # fmt: skip
                assert f"Whole {number}" in {row[0] for row in found}

        await asyncio.gather(*(work(number) for number in range(24)))
        assert len(await shelf.list(mine)) == len(await shelf.list(other)) == 24
        with pytest.raises(UniqueClash) as clash:
            await database.write(mine, shelf.adding("Single 1"), single=True)
        assert clash.value.columns == ("title",)


async def test_no_tenant_stays_behind_on_a_shared_connection(pooled_urls: Urls) -> None:
    async with library(pooled_urls, pool_size=4) as database:
        shelf, scope = Shelf(database), tenant()
        await asyncio.gather(*(database.write(scope, shelf.adding(f"Book {n}")) for n in range(8)))
        engine = database.engine
        plain = await engine.requests.connect_plain()  # type: ignore[attr-defined]  # PostgreSQL's own
        try:
            for _ in range(8):
                async with plain.transaction():
                    assert await plain.fetchval("SELECT count(*) FROM books") == 0
                    assert not await plain.fetchval("SELECT current_setting('mainstay.tenant', true)")
        finally:
            await plain.close()


async def test_a_pooler_that_loses_prepared_statements_is_refused_at_the_start(pooled_urls: Urls) -> None:
    url = pooled_urls.database_url.removesuffix("?prepared=off")
    with pytest.raises(ConfigurationError) as refused:
        await open_database(DatabaseOptions(url, pooled_urls.system_url)).open()
    assert "does not follow prepared statements" in refused.value.what
    assert "?prepared=off" in (refused.value.fix or "")


async def test_the_owner_must_not_come_through_a_pooler(pooled_urls: Urls) -> None:
    name = pooled_urls.system_url.rpartition("@")[0] + "@" + pooled_urls.database_url.rpartition("@")[2]
    with pytest.raises(ConfigurationError) as refused:
        await open_database(DatabaseOptions(pooled_urls.database_url, name)).open()
    assert "pooler" in refused.value.what
    assert "MAINSTAY_DATABASE_SYSTEM_URL" in (refused.value.fix or "")
