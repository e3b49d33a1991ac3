"""Scripts of a few quick statements: all of one or nothing, on the loop or by the thread, once whatever happens."""

import asyncio
import threading
from typing import Any

from mainstay.storage import errors
from mainstay.storage.engines.short_script import ShortScript
from mainstay.storage.engines.sqlite import SQLite
from tests.databases import Urls
from tests.rooms.storage.shelf import Shelf, library, tenant


class Pairs:
    """Scripts that add two books, and how often and on which thread each was begun."""

    def __init__(self, shelf: Shelf) -> None:
        self.shelf = shelf
        self.begun: list[str] = []

    def adding(self, *titles: str, fails: bool = False) -> Any:
        def script() -> Any:
            self.begun.append(threading.current_thread().name)
            for title in titles:
                yield from self.shelf.adding(title)
            if fails:
                raise LookupError("afterwards")
            return titles[0]

        return ShortScript(script)


async def test_all_of_a_script_is_written_or_nothing(urls: Urls) -> None:
    async with library(urls) as database:
        shelf, scope = Shelf(database), tenant()
        pairs = Pairs(shelf)
        scripts = [
            pairs.adding("One", "Two"),
            pairs.adding("Three", "One"),
            pairs.adding("Four", "Five", fails=True),
            pairs.adding("Six", "Seven"),
        ]
        found = [(await asyncio.gather(database.write(scope, each), return_exceptions=True))[0] for each in scripts]
        assert [each if isinstance(each, str) else type(each) for each in found] == [
            "One", errors.UniqueClash, LookupError, "Six",
        ]  # fmt: skip
        assert sorted(await shelf.list(scope)) == ["One", "Seven", "Six", "Two"]


async def test_of_a_group_only_the_script_that_is_refused_is_undone(sqlite_urls: Urls) -> None:
    async with library(sqlite_urls) as database:
        shelf, scope = Shelf(database), tenant()
        pairs = Pairs(shelf)
        writes = [
            database.write(scope, pairs.adding("One", "Two")),
            database.write(scope, pairs.adding("Three", "One")),
            database.write(scope, shelf.adding("Four"), single=True),
            database.write(scope, pairs.adding("Five", "Six", fails=True)),
            database.write(scope, pairs.adding("Seven", "Eight")),
        ]
        found = await asyncio.gather(*writes, return_exceptions=True)
        assert [type(each) for each in found[:2]] == [str, errors.UniqueClash]
        assert [type(each) for each in found[3:]] == [LookupError, str]
        assert sorted(await shelf.list(scope)) == ["Eight", "Four", "One", "Seven", "Two"]
        assert set(pairs.begun) == {"MainThread"}


async def test_a_script_that_cannot_have_its_turn_on_the_loop_is_written_once_by_the_thread(sqlite_urls: Urls) -> None:
    async with library(sqlite_urls) as database, library(sqlite_urls) as elsewhere:
        shelf, scope = Shelf(database), tenant()
        pairs, engine = Pairs(shelf), elsewhere.engine
        assert isinstance(engine, SQLite)
        await asyncio.to_thread(engine.lock.acquire, 1.0)
        waiting = asyncio.ensure_future(database.write(scope, pairs.adding("One", "Two")))
        await asyncio.sleep(0.05)
        assert not waiting.done()
        engine.lock.release()
        assert await waiting == "One"
        assert sorted(await shelf.list(scope)) == ["One", "Two"]
        assert pairs.begun == ["MainThread", "mainstay-writer"]
