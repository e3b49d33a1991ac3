"""Several processes on one SQLite file: they take turns, they may be killed, they use one library."""

import asyncio
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mainstay.base.errors import ConfigurationError
from mainstay.storage import DatabaseOptions, open_database
from mainstay.storage.engines.sqlite import SQLite
from mainstay.storage.engines.sqlite.connect import claim_alone, safe_for_processes
from mainstay.storage.engines.sqlite.lock import FairLock
from tests.databases import Urls
from tests.rooms.storage.shelf import Shelf, library, tenant


@contextmanager
def contender(root: Path, urls: Urls, tenant_id: str, name: str) -> Iterator["subprocess.Popen[str]"]:
    """A process that writes until it is killed."""
    command = [
        sys.executable,
        "-m",
        "tests.rooms.storage.contender",
        urls.database_url,
        urls.system_url,
        tenant_id,
        name,
    ]
    process = subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def lines(process: "subprocess.Popen[str]", count: int) -> list[list[str]]:
    assert process.stdout is not None
    return [process.stdout.readline().split() for _ in range(count)]


async def test_a_killed_writer_leaves_a_whole_file_and_no_acknowledged_write_is_lost(
    sqlite_urls: Urls, root: Path
) -> None:
    async with library(sqlite_urls) as database:
        shelf, scope = Shelf(database), tenant()
        engine = database.engine
        assert isinstance(engine, SQLite)
        acknowledged: set[str] = set()
        for life in range(10):
            with contender(root, sqlite_urls, scope.key, f"life{life}") as process:
                for line in await asyncio.to_thread(lines, process, 1 + life):
                    acknowledged.update(line[:-1])
                process.kill()
                rest, _ = await asyncio.to_thread(process.communicate)
                for text in rest.splitlines(keepends=True):
                    if text.endswith("\n"):
                        acknowledged.update(text.split()[:-1])
            stored = set(await shelf.list(scope))
            assert acknowledged <= stored
            connection = engine.connect()
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            recorded = connection.execute("SELECT count(*) FROM mainstay_outbox").fetchone()[0]
            connection.close()
            assert recorded == len(stored)
            # The lock dies with its holder.
            await database.write(tenant(), shelf.adding("after"), single=True)
            connection = engine.connect()
            connection.execute("DELETE FROM mainstay_outbox WHERE key IN (SELECT id FROM books WHERE title = 'after')")
            connection.close()
        assert len(acknowledged) >= 40


async def test_processes_take_turns(sqlite_urls: Urls, root: Path) -> None:
    async with library(sqlite_urls) as database:
        shelf, scope = Shelf(database), tenant()
        with (
            contender(root, sqlite_urls, scope.key, "one") as one,
            contender(root, sqlite_urls, scope.key, "two") as two,
        ):
            mine = 0
            for number in range(20):
                await database.write(scope, shelf.adding(f"here-{number}"), single=True)
                mine += 1
            waits = [float(line[-1]) for process in (one, two) for line in lines(process, 20)]
        assert mine == 20
        assert max(waits) < 2.0


async def test_the_standard_librarys_driver_is_refused_on_our_file(sqlite_urls: Urls) -> None:
    async with library(sqlite_urls) as database:
        engine = database.engine
        assert isinstance(engine, SQLite)
        for name in (str(engine.path), f"file:{engine.path}?mode=ro", str(engine.path.parent / "." / engine.path.name)):
            with pytest.raises(ConfigurationError, match="standard library"):
                sqlite3.connect(name, uri=name.startswith("file:"))
        sqlite3.connect(":memory:").close()


def test_an_old_sqlite_keeps_other_processes_off_the_file(tmp_path: Path) -> None:
    assert not safe_for_processes((3, 51, 2))
    assert safe_for_processes((3, 51, 3))
    assert safe_for_processes()
    path = tmp_path / "old.db"
    held = claim_alone(path, (3, 40, 1))
    assert held is not None
    with pytest.raises(ConfigurationError, match="corrupt"):
        claim_alone(path, (3, 40, 1))
    os.close(held)
    again = claim_alone(path, (3, 40, 1))
    assert again is not None
    os.close(again)


async def test_a_database_says_whether_processes_may_share_it(urls: Urls) -> None:
    database = open_database(DatabaseOptions(urls.database_url, urls.system_url))
    assert database.several_processes


WITHOUT_WHEEL = """
import asyncio, sys
sys.modules["pysqlite3"] = None
from mainstay.storage import DatabaseOptions, open_database

async def main():
    database = open_database(DatabaseOptions(sys.argv[1]))
    await database.open()
    await database.ping()
    print("open", database.several_processes, flush=True)
    sys.stdin.readline()
    await database.close()

try:
    asyncio.run(main())
except Exception as error:
    print(type(error).__name__, error)
"""


def test_where_there_is_no_wheel_the_standard_driver_serves_one_process(sqlite_urls: Urls) -> None:
    command = [sys.executable, "-c", WITHOUT_WHEEL, sqlite_urls.database_url]
    shared = sqlite3.sqlite_version_info >= (3, 51, 3)
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == f"open {shared}\n"
        second = subprocess.run(command, input="\n", capture_output=True, text=True, timeout=30, check=False)
        assert second.stdout.startswith("open" if shared else "ConfigurationError Another process has")
        first.communicate("\n", timeout=30)


def test_a_lock_that_cannot_be_asked_for_is_an_error_at_once(tmp_path: Path) -> None:
    lock = FairLock(tmp_path / "shelf.db")
    with pytest.raises(OSError, match="Bad file descriptor"):
        lock.acquire(30)
