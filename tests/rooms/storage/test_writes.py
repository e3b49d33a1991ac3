"""Scripts are written wholly or not at all, and acknowledged after their commit."""

import asyncio
import time
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import bindparam, delete, select, update

from mainstay.base.errors import Invalid, StorageFull, Unavailable
from mainstay.base.events import Action
from mainstay.base.ids import uuid7
from mainstay.storage import Database, errors, sql
from mainstay.storage.engines.sqlite import SQLite
from mainstay.storage.outbox import Change, change_values, recorded
from mainstay.storage.statement import Script, fuse
from mainstay.storage.tables import outbox
from tests.databases import Urls
from tests.rooms.storage.shelf import SYSTEM, Shelf, authors, books, library, tenant


async def changes(database: Database) -> list[tuple[Any, ...]]:
    """Every outbox row, oldest first."""
    shelf = Shelf(database)
    statement = shelf.plan(
        select(outbox.c.action, outbox.c.key, outbox.c.row_version).order_by(outbox.c.seq), system=True
    )
    return [tuple(row) for row in await database.fetch(SYSTEM, statement, {})]


async def test_an_exception_in_a_script_undoes_it_and_is_raised(urls: Urls) -> None:
    async with library(urls) as database:
        shelf, scope = Shelf(database), tenant()

        def script() -> Script[None]:
            yield from shelf.adding("One")
            raise Invalid("No.")

        with pytest.raises(Invalid):
            await database.write(scope, script())
        assert await shelf.list(scope) == []
        assert await changes(database) == []


async def test_of_a_group_only_what_fails_is_undone(urls: Urls) -> None:
    async with library(urls) as database:
        shelf, scope = Shelf(database), tenant()

        def broken() -> Script[None]:
            yield from shelf.adding("Two")
            yield shelf.plan(delete(authors).where(sql.in_tenant(authors))), {}
            raise Invalid("In the last step.")

        three = (shelf.adding("One"), broken(), shelf.adding("Three"))
        results = await asyncio.gather(*(database.write(scope, each) for each in three), return_exceptions=True)
        assert [type(result) for result in results] == [UUID, Invalid, UUID]
        assert await shelf.list(scope) == ["One", "Three"]
        assert [row[0] for row in await changes(database)] == ["created", "created"]


async def test_a_single_statement_that_fails_in_its_second_part_leaves_nothing(urls: Urls) -> None:
    async with library(urls) as database:
        shelf, scope = Shelf(database), tenant()

        def broken() -> Script[None]:
            key = uuid7()
            values = {"id": key, "title": "Two", **change_values(Change("books", Action.created, str(key), 1))}
            # The outbox refuses a row without a channel.
            yield recorded(shelf.add, database.dialect), {**values, "outbox_channel": None}

        three = (shelf.adding("One"), broken(), shelf.adding("Three"))
        work = (database.write(scope, each, single=True) for each in three)
        results = await asyncio.gather(*work, return_exceptions=True)
        assert [type(result) for result in results] == [UUID, errors.CheckFailed, UUID]
        assert await shelf.list(scope) == ["One", "Three"]
        assert len(await changes(database)) == 2


async def test_refusals_name_what_they_are_about(urls: Urls) -> None:
    async with library(urls) as database:
        shelf, scope = Shelf(database), tenant()
        await database.write(scope, shelf.adding("One"), single=True)
        for single in (True, False):
            with pytest.raises(errors.UniqueClash) as clash:
                await database.write(scope, shelf.adding("One"), single=single)
            assert clash.value.columns == ("title",)
            with pytest.raises(errors.ReferenceMissing) as missing:
                await database.write(scope, shelf.adding("Two", author_id=uuid7()), single=single)
            assert missing.value.columns == (() if urls.name == "sqlite" else ("author_id",))
        await database.write(tenant(), shelf.adding("One"), single=True)


async def test_a_script_may_say_what_a_refusal_means_but_not_carry_on(urls: Urls) -> None:
    async with library(urls) as database:
        shelf, scope = Shelf(database), tenant()
        await database.write(scope, shelf.adding("One"), single=True)

        def telling() -> Script[None]:
            try:
                yield from shelf.adding("One")
            except errors.UniqueClash as clash:
                raise Invalid("There is one.") from clash

        def stubborn() -> Script[None]:
            try:
                yield from shelf.adding("One")
            except errors.UniqueClash:
                yield from shelf.adding("Two")

        with pytest.raises(Invalid, match="There is one"):
            await database.write(scope, telling())
        with pytest.raises(RuntimeError, match="went on"):
            await database.write(scope, stubborn())
        assert await shelf.list(scope) == ["One"]


async def test_a_foreign_key_to_another_tenant_is_refused(urls: Urls) -> None:
    async with library(urls) as database:
        shelf, scope, other = Shelf(database), tenant(), tenant()
        author = uuid7()
        add = shelf.plan(authors.insert().values(tenant_id=sql.TENANT, id=bindparam("id"), name="Eve"))

        def adding() -> Script[None]:
            yield add, {"id": author}

        await database.write(other, adding(), single=True)
        with pytest.raises(errors.ReferenceMissing):
            await database.write(scope, shelf.adding("Mine", author_id=author))
        await database.write(other, shelf.adding("Theirs", author_id=author))


async def test_a_change_that_touches_no_row_is_not_recorded(urls: Urls) -> None:
    async with library(urls) as database:
        shelf, scope = Shelf(database), tenant()
        key = await database.write(scope, shelf.adding("One"), single=True)
        changed = update(books).where(sql.in_tenant(books), books.c.id == bindparam("key"))
        changed = changed.values(title=bindparam("new"), row_version=books.c.row_version + 1)
        statement = recorded(shelf.plan(changed.returning(books.c.row_version)), database.dialect)

        def renaming(book: UUID) -> Script[list[int]]:
            note = change_values(Change("books", Action.updated, str(book), 0))
            rows = yield statement, {"key": book, "new": "Two", **note}
            return [row[0] for row in rows]

        assert await database.write(scope, renaming(uuid7()), single=True) == []
        assert await database.write(tenant(), renaming(key), single=True) == []
        assert await database.write(scope, renaming(key), single=True) == [2]
        assert await changes(database) == [("created", str(key), 1), ("updated", str(key), 2)]


async def test_fused_changes_answer_the_rows_of_the_last(urls: Urls) -> None:
    async with library(urls) as database:
        shelf, scope = Shelf(database), tenant()
        await database.write(scope, shelf.adding("One"), single=True)
        first = shelf.plan(update(books).where(sql.in_tenant(books)).values(summary=bindparam("said")))
        last = shelf.plan(
            authors.insert()
            .values(tenant_id=sql.TENANT, id=bindparam("id"), name=bindparam("said"))
            .returning(authors.c.name)
        )

        def script() -> Script[Any]:
            rows = yield fuse(first, last), {"id": uuid7(), "said": "hello"}
            return [tuple(row) for row in rows]

        assert await database.write(scope, script(), single=True) == [("hello",)]
        assert await shelf.read(scope, select(books.c.summary).where(sql.in_tenant(books))) == [("hello",)]


async def test_a_write_is_read_by_the_next_read(urls: Urls) -> None:
    async with library(urls) as database:
        shelf, scope = Shelf(database), tenant()
        for number in range(20):
            await database.write(scope, shelf.adding(str(number)), single=True)
            assert len(await shelf.list(scope)) == number + 1


async def test_writes_that_wait_together_share_a_commit_and_are_acknowledged_after_it(sqlite_urls: Urls) -> None:
    async with library(sqlite_urls) as database:
        shelf, scope = Shelf(database), tenant()
        engine = database.engine
        assert isinstance(engine, SQLite)
        engine.lock.acquire(1.0)
        work = [asyncio.create_task(database.write(scope, shelf.adding(str(n)), single=True)) for n in range(50)]
        await asyncio.wait(work, timeout=0.05)
        assert not any(task.done() for task in work)
        assert await shelf.list(scope) == []
        before = _wal_commits(engine)
        engine.lock.release()
        await asyncio.gather(*work)
        assert len(await shelf.list(scope)) == 50
        assert _wal_commits(engine) - before <= 2


async def test_a_hook_within_a_write_shares_its_fate(urls: Urls) -> None:
    async with library(urls) as database:
        shelf, scope = Shelf(database), tenant()
        seen: list[Any] = []

        def look(session: Any) -> None:
            seen.append(session.execute(sql.unsafe("SELECT title FROM books WHERE tenant_id = :tenant")).all())

        def refuse(session: Any) -> None:
            raise Invalid("Not this one.")

        await database.write(scope, shelf.adding("One"), within=look)
        assert seen == [[("One",)]]
        with pytest.raises(Invalid):
            await database.write(scope, shelf.adding("Two"), within=refuse)
        assert await shelf.list(scope) == ["One"]


async def test_a_hook_that_takes_longer_than_a_quarter_second_is_undone(urls: Urls) -> None:
    async with library(urls) as database:
        shelf, scope = Shelf(database), tenant()

        def slow(session: Any) -> None:
            until = time.monotonic() + 0.3
            while time.monotonic() < until:
                pass

        with pytest.raises(Unavailable, match="too long"):
            await database.write(scope, shelf.adding("One"), within=slow)
        assert await shelf.list(scope) == []


async def test_a_full_disk_refuses_the_write_and_keeps_the_file_whole(sqlite_urls: Urls) -> None:
    async with library(sqlite_urls) as database:
        shelf, scope = Shelf(database), tenant()
        await database.write(scope, shelf.adding("One"), single=True)
        engine = database.engine
        assert isinstance(engine, SQLite)
        assert engine._writer is not None
        assert engine._loop_writer is not None
        for single in (True, False):
            _bound_the_file(engine, 1)
            with pytest.raises(StorageFull):
                await database.write(scope, shelf.adding("Two", summary="x" * 1_000_000), single=single)
            _bound_the_file(engine, 1_000_000)
            await database.write(scope, shelf.adding(f"Three {single}"), single=single)
        assert await shelf.list(scope) == ["One", "Three False", "Three True"]


def _bound_the_file(engine: SQLite, pages: int) -> None:
    """Let both connections that write believe that the disk holds so many pages."""
    assert engine._writer is not None
    assert engine._loop_writer is not None
    engine._writer._connection.execute(f"PRAGMA max_page_count={pages}").fetchall()
    engine._loop_writer._writing = True
    engine._loop_writer._connection.execute(f"PRAGMA max_page_count={pages}").fetchall()
    engine._loop_writer._writing = False


async def test_a_database_locked_by_another_program_is_unavailable_in_bounded_time(sqlite_urls: Urls) -> None:
    async with library(sqlite_urls, lock_timeout=0.1) as database:
        shelf, scope = Shelf(database), tenant()
        engine = database.engine
        assert isinstance(engine, SQLite)
        other = engine.connect()
        other.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        with pytest.raises(Unavailable) as refused:
            await database.write(scope, shelf.adding("One"), single=True)
        assert time.monotonic() - began < 4, "less than any other patience"
        assert refused.value.headers["Retry-After"]
        other.rollback()
        other.close()
        await database.write(scope, shelf.adding("One"), single=True)


async def test_a_cancelled_write_is_whole_or_absent(urls: Urls) -> None:
    async with library(urls) as database:
        shelf, scope = Shelf(database), tenant()
        work = [asyncio.create_task(database.write(scope, shelf.adding(str(n)))) for n in range(20)]
        await asyncio.sleep(0)
        for task in work:
            task.cancel()
        await asyncio.gather(*work, return_exceptions=True)
        await database.write(scope, shelf.adding("last"))
        assert len(await changes(database)) == len(await shelf.list(scope))


def _wal_commits(engine: SQLite) -> int:
    """Commit frames in the write-ahead log: their header carries the size of the database, others carry 0."""
    content = engine.path.with_name(engine.path.name + "-wal").read_bytes()
    return sum(1 for frame in _frames(content) if frame[4:8] != b"\0\0\0\0")


def _frames(content: bytes) -> Iterator[bytes]:
    page = int.from_bytes(content[8:12], "big")
    salt = content[16:24]
    for start in range(32, len(content), page + 24):
        header = content[start : start + 24]
        if header[8:16] == salt:
            yield header
