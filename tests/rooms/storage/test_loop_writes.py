"""Single statements on SQLite are written on the loop, and told of when they are on the disk."""

import asyncio
import errno
import os
import threading
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import delete

from mainstay.base.errors import Unavailable
from mainstay.base.ids import uuid7
from mainstay.storage import errors, sql
from mainstay.storage.engines.sqlite import SQLite
from mainstay.storage.engines.sqlite.library import sqlite
from mainstay.storage.engines.sqlite.syncing import CHECKPOINT_AFTER
from tests.databases import Urls
from tests.rooms.storage.shelf import Shelf, books, library, tenant


class Disk:
    """The real disk, which can be told to wait or to fail."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.free = threading.Event()
        self.free.set()
        self.broken = False
        self.synced = 0
        self._real = os.fdatasync
        monkeypatch.setattr(os, "fdatasync", self._sync)

    def _sync(self, descriptor: int) -> None:
        self.free.wait(10)
        if self.broken:
            raise OSError(errno.EIO, "Input/output error")
        self._real(descriptor)
        self.synced += 1


async def test_nobody_is_told_before_the_log_is_on_the_disk(sqlite_urls: Urls, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = Disk(monkeypatch)
    async with library(sqlite_urls) as database:
        shelf, scope = Shelf(database), tenant()
        disk.free.clear()
        first = asyncio.ensure_future(database.write(scope, shelf.adding("One"), single=True))
        while await shelf.list(scope) != ["One"]:
            await asyncio.sleep(0.001)
        # Those that come meanwhile wait for the next turn, and share it.
        others = [asyncio.ensure_future(database.write(scope, shelf.adding(f"{n}"), single=True)) for n in range(2, 12)]
        await asyncio.sleep(0.05)
        assert not first.done()
        assert await shelf.list(scope) == ["One"]
        disk.free.set()
        assert all(isinstance(key, UUID) for key in await asyncio.gather(first, *others))
        assert disk.synced == 2
        assert len(await shelf.list(scope)) == 11


async def test_a_disk_that_fails_is_no_success(sqlite_urls: Urls, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = Disk(monkeypatch)
    async with library(sqlite_urls) as database:
        shelf, scope = Shelf(database), tenant()
        disk.broken = True
        with pytest.raises(Unavailable):
            await database.write(scope, shelf.adding("One"), single=True)
        disk.broken = False
        await database.write(scope, shelf.adding("Two"), single=True)


async def test_of_a_group_only_what_is_refused_is_not_written(sqlite_urls: Urls) -> None:
    async with library(sqlite_urls) as database:
        shelf, scope = Shelf(database), tenant()
        await database.write(scope, shelf.adding("One"), single=True)
        scripts = [shelf.adding("Two"), shelf.adding("One"), shelf.adding("3", author_id=uuid7()), shelf.adding("Four")]
        found = await asyncio.gather(
            *(database.write(scope, each, single=True) for each in scripts), return_exceptions=True
        )
        assert [type(each) for each in found] == [UUID, errors.UniqueClash, errors.ReferenceMissing, UUID]
        assert await shelf.list(scope) == ["Four", "One", "Two"]


async def test_a_script_that_fails_after_its_statement_takes_back_its_own_change_alone(sqlite_urls: Urls) -> None:
    async with library(sqlite_urls) as database:
        shelf, scope = Shelf(database), tenant()

        def failing() -> Any:
            yield from shelf.adding("Two")
            raise LookupError("afterwards")

        scripts = [shelf.adding("One"), failing(), shelf.adding("Three"), shelf.adding("One")]
        found = await asyncio.gather(
            *(database.write(scope, each, single=True) for each in scripts), return_exceptions=True
        )
        assert [type(each) for each in found] == [UUID, LookupError, UUID, errors.UniqueClash]
        assert await shelf.list(scope) == ["One", "Three"]


async def test_a_writer_elsewhere_is_waited_for_without_holding_up_the_loop(sqlite_urls: Urls) -> None:
    async with library(sqlite_urls) as database, library(sqlite_urls) as elsewhere:
        shelf, scope = Shelf(database), tenant()
        engine = elsewhere.engine
        assert isinstance(engine, SQLite)
        await asyncio.to_thread(engine.lock.acquire, 1.0)
        waiting = asyncio.ensure_future(database.write(scope, shelf.adding("One"), single=True))
        for _ in range(20):
            await asyncio.sleep(0.002)
            assert await shelf.list(scope) == []
        assert not waiting.done()
        engine.lock.release()
        await waiting
        assert await shelf.list(scope) == ["One"]


async def test_whoever_writes_is_answered_also_when_the_lock_file_fails(sqlite_urls: Urls) -> None:
    async with library(sqlite_urls) as database:
        shelf, scope = Shelf(database), tenant()
        engine = database.engine
        assert isinstance(engine, SQLite)
        there, engine.lock._turn = engine.lock._turn, 1_000_000
        async with asyncio.timeout(5):
            with pytest.raises(OSError, match="Bad file descriptor"):
                await database.write(scope, shelf.adding("One"), single=True)
            engine.lock._turn = there
            await database.write(scope, shelf.adding("Two"), single=True)
        assert await shelf.list(scope) == ["Two"]


async def test_the_connection_that_reads_can_write_only_in_its_turn(sqlite_urls: Urls) -> None:
    async with library(sqlite_urls) as database:
        shelf, scope = Shelf(database), tenant()
        await database.write(scope, shelf.adding("One"), single=True)
        engine = database.engine
        assert isinstance(engine, SQLite)
        assert engine._reader is not None
        changes = ("DELETE FROM books", "UPDATE books SET title = ''", "DROP TABLE books", "PRAGMA user_version=7")
        for change in changes:
            with pytest.raises(sqlite.DatabaseError, match="authoriz"):
                engine._reader.connection.execute(change)


async def test_deletions_may_take_long_and_are_left_to_the_thread(sqlite_urls: Urls) -> None:
    async with library(sqlite_urls) as database:
        shelf, scope = Shelf(database), tenant()
        engine = database.engine
        assert isinstance(engine, SQLite)
        await database.write(scope, shelf.adding("One"), single=True)
        seen: list[str] = []

        def removing() -> Any:
            yield shelf.plan(delete(books).where(sql.in_tenant(books))), {}
            seen.append(threading.current_thread().name)

        await database.write(scope, removing(), single=True)
        assert seen == ["mainstay-writer"]
        assert await shelf.list(scope) == []


async def test_the_log_is_copied_into_the_file_now_and_then(sqlite_urls: Urls) -> None:
    async with library(sqlite_urls) as database:
        shelf, scope = Shelf(database), tenant()
        engine = database.engine
        assert isinstance(engine, SQLite)
        await database.write(scope, shelf.adding("the very first"), single=True)
        assert not await _is_in("the very first", engine.path)
        for number in range(CHECKPOINT_AFTER):
            await database.write(scope, shelf.adding(f"{number}"), single=True)
        async with asyncio.timeout(10):
            while not await _is_in("the very first", engine.path):
                await asyncio.sleep(0.02)


async def _is_in(text: str, path: Path) -> bool:
    """Looked up by another process: to open and close the file in this one would undo SQLite's locks on it."""
    process = await asyncio.create_subprocess_exec("grep", "-q", text, str(path))
    return await process.wait() == 0


async def test_closing_finishes_what_was_begun(sqlite_urls: Urls) -> None:
    scope = tenant()
    async with library(sqlite_urls) as database:
        shelf = Shelf(database)
        writes = [asyncio.ensure_future(database.write(scope, shelf.adding(f"{n:02}"), single=True)) for n in range(50)]
        await asyncio.sleep(0)
    assert all(isinstance(key, UUID) for key in await asyncio.gather(*writes))
    async with library(sqlite_urls) as database:
        assert len(await Shelf(database).list(scope)) == 50
