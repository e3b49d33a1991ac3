"""The outbox's tail: every process hears every change, or knows that it is behind; who commits is told at once."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from mainstay.base.errors import Conflict
from mainstay.base.events import Action
from mainstay.base.tenant import DEFAULT_TENANT
from mainstay.storage import Database
from mainstay.storage.outbox import Change, many_statement, many_values
from mainstay.storage.statement import Script
from mainstay.storage.tail import Heard, Tail, TailOptions
from tests.databases import Urls
from tests.rooms.storage.shelf import SYSTEM, Shelf, library, tenant
from tests.rooms.storage.test_relay import relaying

QUICK = TailOptions(interval=0.02, bound=0.3)


class Ear:
    """Keeps what a tail told."""

    def __init__(self) -> None:
        self.heard: list[Heard] = []

    def __call__(self, changes: Sequence[Heard]) -> None:
        self.heard += changes

    async def count(self, keys: int) -> None:
        await self.until(lambda: len(self.keys()) >= keys)

    async def until(self, found: Callable[[], Any]) -> None:
        async with asyncio.timeout(10):
            while not found():
                await asyncio.sleep(0.01)

    def keys(self) -> list[str]:
        return list(dict.fromkeys(each.key for each in self.heard))


@asynccontextmanager
async def listening(database: Database, options: TailOptions = QUICK) -> AsyncIterator[tuple[Tail, Ear]]:
    ear = Ear()
    tail = Tail(database, SYSTEM, ear, options)
    await tail.start()
    try:
        yield tail, ear
    finally:
        await tail.stop()


async def test_two_processes_hear_every_change_in_the_order_of_commits(urls: Urls) -> None:
    async with library(urls) as database, relaying(database), listening(database) as (tail, ear):
        shelf, scopes = Shelf(database), [tenant(), tenant()]
        made = [str(await database.write(scope, shelf.adding("before"), single=True)) for scope in scopes]
        async with listening(database) as (other, second):
            made += [str(await database.write(scope, shelf.adding("after"), single=True)) for scope in scopes]
            for each in (ear, second):
                await each.count(4)
                assert each.keys() == made
                assert [h.tenant for h in each.heard[-2:]] == [scope.key for scope in scopes]
            assert tail.position == other.position
            await ear.until(lambda: not tail.behind() and not other.behind())
        assert other.behind()
        assert [h.place for h in ear.heard] == sorted({h.place for h in ear.heard})


async def test_the_recent_past_is_heard_at_the_start_and_what_came_before_is_told_by_the_floor(urls: Urls) -> None:
    async with library(urls) as database, relaying(database) as (_, relayed):
        shelf, scope = Shelf(database), tenant()
        made = [str(await database.write(scope, shelf.adding(f"{n}"), single=True)) for n in range(5)]
        await relayed.until(5)
        async with listening(database, TailOptions(interval=0.02, bound=0.3, recent=2)) as (tail, ear):
            assert ear.keys() == made[-2:]
            assert tail.floor == ear.heard[0].place - 1
        async with listening(database, TailOptions(interval=0.02, bound=0.3, batch=2)) as (tail, ear):
            assert ear.keys() == made


async def test_notes_reach_every_process(urls: Urls) -> None:
    async with (
        library(urls) as database,
        relaying(database),
        listening(database) as (tail, ear),
        listening(database) as (_, second),
    ):
        await tail.note(DEFAULT_TENANT, {"tags": ["a:b", "*"]})
        for each in (ear, second):
            await each.count(1)
            (found,) = each.heard
            assert (found.tenant, found.note) == (str(DEFAULT_TENANT), {"tags": ["a:b", "*"]})


async def test_it_is_behind_while_nobody_looks(sqlite_urls: Urls) -> None:
    async with library(sqlite_urls) as database:
        tail = Tail(database, SYSTEM, Ear(), TailOptions(interval=60, bound=0.5))
        assert tail.behind()
        await tail.start()
        assert not tail.behind()
        time.sleep(0.51)
        assert tail.behind()
        await tail.look()
        assert not tail.behind()
        await tail.stop()


async def test_it_is_behind_while_a_transaction_holds_changes_back(postgresql_urls: Urls) -> None:
    async with library(postgresql_urls) as database, relaying(database), listening(database) as (tail, ear):
        shelf, scope = Shelf(database), tenant()
        connection = await asyncpg.connect(postgresql_urls.system_url)
        hold = connection.transaction()
        await hold.start()
        await connection.execute("SELECT pg_current_xact_id()")
        key = str(await database.write(scope, shelf.adding("held"), single=True))
        await ear.until(tail.behind)
        assert ear.keys() == []
        async with listening(database) as (late, _):
            # Whoever begins now knows that something is there which it has not heard.
            assert late.behind()
        await hold.rollback()
        await connection.close()
        await ear.until(lambda: ear.keys() == [key] and not tail.behind())


async def test_it_is_behind_without_a_relay(postgresql_urls: Urls) -> None:
    async with library(postgresql_urls) as database, listening(database) as (tail, ear):
        await database.write(tenant(), Shelf(database).adding("waits"), single=True)
        await ear.until(tail.behind)


async def test_who_commits_is_told_before_the_call_returns(urls: Urls) -> None:
    async with library(urls) as database:
        shelf, scope = Shelf(database), tenant()
        told: list[tuple[str, str, str]] = []
        database.on_commit(told.extend)
        key = await database.write(scope, shelf.adding("one"), single=True)
        assert told == [(scope.key, "books", str(key))]
        told.clear()

        def many() -> Script[None]:
            changes = [Change("books", Action.deleted, str(UUID(int=n)), 1) for n in (1, 2)]
            yield many_statement(database.dialect), many_values(changes)

        await database.write(scope, many())
        assert told == [(scope.key, "books", str(UUID(int=n))) for n in (1, 2)]


async def test_a_script_keeps_its_own_errors_and_result(urls: Urls) -> None:
    async with library(urls) as database:
        shelf, scope = Shelf(database), tenant()
        database.on_commit(lambda changes: None)

        def refused() -> Script[UUID]:
            yield from shelf.adding("one")
            raise Conflict("No.")

        with pytest.raises(Conflict, match=r"No\."):
            await database.write(scope, refused())
        assert isinstance(await database.write(scope, shelf.adding("one"), single=True), UUID)
