"""A database that cannot be used says so: at the start what to do, at run time 503 in bounded time."""

import asyncio
import gc
import os
import time
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import select

from mainstay.base.errors import ConfigurationError, Unavailable
from mainstay.storage import DatabaseOptions, open_database
from mainstay.storage.engines.postgres import PostgreSQL
from mainstay.storage.engines.sqlite import SQLite
from tests.databases import Administrator, Urls
from tests.rooms.storage.shelf import SYSTEM, Shelf, library, secrets, tenant


async def refused(url: str) -> ConfigurationError:
    """What opening this URL is refused with."""
    with pytest.raises(ConfigurationError) as error:
        await open_database(DatabaseOptions(url, acquire_timeout=2)).open()
    return error.value


async def test_a_folder_that_does_not_exist_is_named(tmp_path: Path) -> None:
    error = await refused(f"sqlite:///{tmp_path}/missing/app.db")
    assert "folder does not exist" in error.what
    assert f"mkdir -p {tmp_path}/missing" in error.fix


async def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "app.db").write_bytes(b"This is a letter, not a database. " * 100)
    assert "not a database" in (await refused(f"sqlite:///{tmp_path}/app.db")).what
    assert "is a folder" in (await refused(f"sqlite:///{tmp_path}")).what


@pytest.mark.skipif(os.geteuid() == 0 and not hasattr(os, "seteuid"), reason="root may write everywhere")
async def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "sealed"
    folder.mkdir(mode=0o555)
    error = await refused("sqlite:////proc/app.db" if os.geteuid() == 0 else f"sqlite:///{folder}/app.db")
    assert "cannot be" in error.what


@pytest.mark.parametrize("url", ["nonsense", "mysql://host/x", "sqlite://", "sqlite:///:memory:"])
def test_a_url_that_names_no_database_of_ours_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError):
        open_database(DatabaseOptions(url))


async def test_a_server_that_is_not_there_or_refuses_is_told_apart(postgresql_urls: Urls) -> None:
    assert "cannot be reached" in (await refused("postgresql://nobody@127.0.0.1:1/x")).what
    missing = postgresql_urls.database_url.rpartition("/")[0] + "/no_such_database"
    error = await refused(missing)
    assert "does not exist" in error.what
    wrong = postgresql_urls.database_url.replace("mainstay_app:", "mainstay_app:wrong")
    assert "password" in (await refused(wrong)).what


async def test_no_password_is_ever_shown(postgresql_urls: Urls) -> None:
    password = postgresql_urls.database_url.split(":")[2].split("@")[0]
    error = await refused(postgresql_urls.database_url.rpartition("/")[0] + "/no_such_database")
    assert password not in str(error)


async def test_a_full_pool_is_unavailable_in_bounded_time_and_serves_again(postgresql_urls: Urls) -> None:
    async with library(postgresql_urls, pool_size=1, acquire_timeout=0.2) as database:
        engine = database.engine
        assert isinstance(engine, PostgreSQL)
        shelf, scope = Shelf(database), tenant()
        held = await engine._requests.acquire()
        began = time.monotonic()
        with pytest.raises(Unavailable) as busy:
            await shelf.list(scope)
        assert time.monotonic() - began < 4, "less than any other patience"
        assert busy.value.headers["Retry-After"]
        waiting = asyncio.create_task(shelf.list(scope))
        await asyncio.sleep(0)
        engine._requests.give(held)
        assert await waiting == []


async def test_a_connection_the_server_ended_is_replaced_unnoticed(
    postgresql_urls: Urls, administrator: Administrator
) -> None:
    async with library(postgresql_urls, pool_size=1) as database:
        engine = database.engine
        assert isinstance(engine, PostgreSQL)
        shelf, scope = Shelf(database), tenant()
        connection = await engine._requests.acquire()
        number = connection.get_server_pid()
        engine._requests.give(connection)
        owner = await asyncpg.connect(administrator.cluster.url("postgres", "mainstay_services"))
        await owner.execute("SELECT pg_terminate_backend($1)", number)
        await owner.close()
        assert await shelf.list(scope) == []
        await database.write(scope, shelf.adding("One"))
        await database.ping()


async def test_a_cancelled_read_gives_its_connection_back(postgresql_urls: Urls) -> None:
    async with library(postgresql_urls, pool_size=1, acquire_timeout=2) as database:
        shelf, scope = Shelf(database), tenant()
        await shelf.list(scope)
        for _ in range(20):
            task = asyncio.create_task(shelf.list(scope))
            await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        assert await shelf.list(scope) == []


@pytest.mark.parametrize("steps", [3, 4, 5, 6, 9])
async def test_a_connection_whose_asker_is_cancelled_again_and_again_is_dropped_when_it_is_made(
    postgresql_urls: Urls, steps: int
) -> None:
    """Wherever the handshake is; the fixtures find what it leaves open, and what nobody looked at."""
    async with library(postgresql_urls) as database:
        engine = database.engine
        assert isinstance(engine, PostgreSQL)
        before = asyncio.all_tasks()
        asking = asyncio.ensure_future(engine._requests._connect())
        for _ in range(steps):
            await asyncio.sleep(0)
        while not asking.done():
            asking.cancel()
            await asyncio.sleep(0)
        assert asking.cancelled()
        async with asyncio.timeout(30):
            while asyncio.all_tasks() - before:
                await asyncio.sleep(0.01)
    # asyncio tells of an exception that nobody fetched when its future goes.
    gc.collect()


async def test_without_prepared_statements_everything_still_works(postgresql_urls: Urls) -> None:
    plain = Urls(postgresql_urls.database_url + "?prepared=off", postgresql_urls.system_url + "?prepared=off", "x")
    async with library(plain) as database:
        shelf, scope = Shelf(database), tenant()
        await database.write(scope, shelf.adding("One"), single=True)
        await database.write(scope, shelf.adding("Two"))
        assert await shelf.list(scope) == ["One", "Two"]
        assert await database.fetch(SYSTEM, shelf.plan(select(secrets.c.id)), {}) == []


async def test_ping_notices_that_the_file_is_gone(sqlite_urls: Urls) -> None:
    async with library(sqlite_urls) as database:
        await database.ping()
        engine = database.engine
        assert isinstance(engine, SQLite)
        engine.path.rename(engine.path.with_suffix(".moved"))
        with pytest.raises(Unavailable):
            await database.ping()


async def test_a_closed_database_is_unavailable(urls: Urls) -> None:
    async with library(urls) as database:
        shelf, scope = Shelf(database), tenant()
    with pytest.raises(Unavailable):
        await database.write(scope, shelf.adding("One"))
    with pytest.raises(Unavailable):
        await shelf.list(scope)
    await database.close()
