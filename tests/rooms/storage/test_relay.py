"""The outbox and its relay: one row a change, numbered in commit order, delivered at least once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import bindparam, func, select, update

from mainstay.base.errors import Conflict, Invalid
from mainstay.base.events import Action, Event
from mainstay.storage import Database, Relay, sql
from mainstay.storage.idempotency import Claim, StoredAnswer, remember, replay_or_claim
from mainstay.storage.outbox import Change, change_values, many_statement, many_values, recorded
from mainstay.storage.relay import RelayOptions
from mainstay.storage.statement import Script
from mainstay.storage.tables import outbox
from tests.databases import Urls
from tests.rooms.storage.shelf import SYSTEM, Shelf, books, library, tenant


class Listener:
    """A subscriber that keeps what it is told."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._told = asyncio.Event()

    async def __call__(self, events: list[Event]) -> None:
        self.events += events
        self._told.set()

    async def until(self, count: int) -> list[Event]:
        async with asyncio.timeout(10):
            while len(self.events) < count:
                self._told.clear()
                await self._told.wait()
        return self.events


@asynccontextmanager
async def relaying(database: Database, **options: Any) -> AsyncIterator[tuple[Relay, Listener]]:
    listener = Listener()
    relay = Relay(database, SYSTEM, [listener], RelayOptions(interval=0.02, standby=0.05, **options))
    await relay.start()
    try:
        yield relay, listener
    finally:
        await relay.stop()


def renaming(shelf: Shelf, key: UUID, title: str) -> Script[int]:
    """Change a book's title and record it with the version it came to have."""
    mine = (sql.in_tenant(books), books.c.id == bindparam("key"))
    changed = update(books).where(*mine).values(summary=bindparam("new"), row_version=books.c.row_version + 1)
    statement = recorded(shelf.plan(changed.returning(books.c.row_version)), shelf.database.dialect)
    rows = yield statement, {"key": key, "new": title, **change_values(Change("books", Action.updated, str(key), 0))}
    return int(rows[0][0])


async def test_each_channel_is_numbered_from_one_without_gaps_in_commit_order(urls: Urls) -> None:
    async with library(urls) as database, relaying(database) as (_, listener):
        shelf, scopes = Shelf(database), [tenant(), tenant()]
        keys = {scope: await database.write(scope, shelf.adding("One"), single=True) for scope in scopes}

        async def writer(number: int) -> None:
            for turn in range(10):
                for scope, key in keys.items():
                    await database.write(scope, renaming(shelf, key, f"{number}-{turn}"), single=True)

        await asyncio.gather(*(writer(number) for number in range(8)))
        events = await listener.until(2 * 81)
        assert len(events) == 2 * 81
        for scope in scopes:
            mine = [event for event in events if event.tenant_id == scope.tenant_id]
            assert [event.offset for event in mine] == list(range(1, 82))
            assert [event.row_version for event in mine] == list(range(1, 82))
        assert len({event.epoch for event in events}) == 1


async def test_a_transaction_that_ends_late_is_neither_lost_nor_overtaken(postgresql_urls: Urls) -> None:
    async with library(postgresql_urls) as database, relaying(database) as (relay, listener):
        shelf, scope = Shelf(database), tenant()
        slow = await asyncpg.connect(postgresql_urls.database_url)
        try:
            first = await database.write(scope, shelf.adding("One"), single=True)
            await listener.until(1)
            begun = slow.transaction()
            await begun.start()
            await slow.execute("SELECT set_config('mainstay.tenant', $1, true)", scope.key)
            await slow.execute("SELECT pg_current_xact_id()")
            for _ in range(3):
                await database.write(scope, renaming(shelf, first, "x"), single=True)
            # Everything later than the open transaction waits for it.
            for _ in range(3):
                await relay.step()
            assert len(listener.events) == 1
            await slow.execute(
                "INSERT INTO mainstay_outbox (tenant_id, channel, action, key, row_version, at, payload) "
                "VALUES ($1, 'books', 'updated', $2, 5, now(), '{}')",
                scope.tenant_id,
                str(first),
            )
            await begun.commit()
            events = await listener.until(5)
            assert [event.row_version for event in events] == [1, 2, 3, 4, 5]
            assert [event.offset for event in events] == [1, 2, 3, 4, 5]
        finally:
            await slow.close()


async def test_what_a_subscriber_failed_to_take_comes_again_in_order(urls: Urls) -> None:
    async with library(urls) as database:
        shelf, scope = Shelf(database), tenant()
        seen: list[int] = []
        failures = [RuntimeError("once")]

        async def stumbling(events: list[Event]) -> None:
            seen.extend(event.offset for event in events)
            if failures:
                raise failures.pop()

        for number in range(3):
            await database.write(scope, shelf.adding(str(number)), single=True)
        relay = Relay(database, SYSTEM, [stumbling])
        with pytest.raises(RuntimeError):
            await begun(relay)
        await begun(relay)
        assert seen == [1, 2, 3, 1, 2, 3]
        await relay.step()
        assert seen == [1, 2, 3, 1, 2, 3]


async def begun(relay: Relay) -> None:
    """What a relay does until its first delivery, without starting it."""
    await relay._database.write(SYSTEM, relay._begin())
    async with asyncio.timeout(10):
        # On PostgreSQL a transaction of any other database of the cluster holds events back.
        while not await relay.step():
            await asyncio.sleep(0.01)


async def test_one_relay_works_and_the_other_stands_by_and_takes_over(urls: Urls) -> None:
    async with library(urls) as database:
        shelf, scope = Shelf(database), tenant()
        async with relaying(database) as (_, first):
            await database.write(scope, shelf.adding("One"), single=True)
            await first.until(1)
            async with relaying(database) as (_, second):
                await database.write(scope, shelf.adding("Two"), single=True)
                await first.until(2)
                assert second.events == []
        async with relaying(database) as (_, third):
            await database.write(scope, shelf.adding("Three"), single=True)
            assert [event.offset for event in await third.until(1)] == [3]


async def test_delivered_rows_are_forgotten_after_their_time(urls: Urls) -> None:
    async with library(urls) as database:
        shelf, scope = Shelf(database), tenant()
        await database.write(scope, shelf.adding("One"), single=True)
        listener = Listener()
        relay = Relay(database, SYSTEM, [listener], RelayOptions(kept=timedelta(0)))
        await begun(relay)
        await database.write(scope, shelf.adding("Two"), single=True)
        await database.write(SYSTEM, relay._clean())
        count = shelf.plan(select(func.count()).select_from(outbox), system=True)
        assert (await database.fetch(SYSTEM, count, {}))[0][0] == 1


async def test_many_changes_are_recorded_by_one_statement(urls: Urls) -> None:
    async with library(urls) as database, relaying(database) as (_, listener):
        scope = tenant()
        changed = [Change("books", Action.updated, str(number), number, {"n": number}) for number in range(1, 4)]

        def script() -> Script[None]:
            yield many_statement(database.dialect), many_values(changed)

        await database.write(scope, script(), single=True)
        events = await listener.until(3)
        assert [(event.key, event.row_version, event.payload) for event in events] == [
            (change.key, change.row_version, change.payload) for change in changed
        ]


async def test_an_idempotency_key_replays_its_answer_and_refuses_another_body(urls: Urls) -> None:
    async with library(urls) as database:
        shelf, scope = Shelf(database), tenant()

        def once(claim: Claim, title: str) -> Script[StoredAnswer]:
            stored = yield from replay_or_claim(database.dialect, claim)
            if stored is not None:
                return stored
            key = yield from shelf.adding(title)
            answer = StoredAnswer(201, {"location": str(key)}, f'{{"id":"{key}"}}')
            yield from remember(database.dialect, claim, answer)
            return answer

        claim = Claim("user", "POST /books", "k-1", "hash-1")
        first = await database.write(scope, once(claim, "One"))
        assert await database.write(scope, once(claim, "Two")) == first
        assert await shelf.list(scope) == ["One"]
        with pytest.raises(Invalid):
            await database.write(scope, once(Claim("user", "POST /books", "k-1", "hash-2"), "Two"))
        for other in (Claim("other", "POST /books", "k-1", "hash-1"), Claim("user", "POST /x", "k-1", "hash-1")):
            await database.write(scope, once(other, other.actor + other.route))
        await database.write(tenant(), once(claim, "One"))
        # What fails leaves no claim behind.
        with pytest.raises(Exception, match="same title"):
            await database.write(scope, once(Claim("user", "POST /books", "k-2", "h"), "One"))
        await database.write(scope, once(Claim("user", "POST /books", "k-2", "h"), "Fresh"))


async def test_of_many_at_once_one_does_the_work(urls: Urls) -> None:
    async with library(urls) as database:
        shelf, scope = Shelf(database), tenant()
        claim = Claim("user", "POST /books", "k-1", "hash-1")

        def once(number: int) -> Script[StoredAnswer]:
            stored = yield from replay_or_claim(database.dialect, claim)
            if stored is not None:
                return stored
            yield from shelf.adding(str(number))
            answer = StoredAnswer(201, {}, str(number))
            yield from remember(database.dialect, claim, answer)
            return answer

        work = (database.write(scope, once(number)) for number in range(10))
        results = await asyncio.gather(*work, return_exceptions=True)
        answers = {result.body for result in results if isinstance(result, StoredAnswer)}
        assert len(answers) == 1
        assert all(isinstance(result, StoredAnswer | Conflict) for result in results)
        assert len(await shelf.list(scope)) == 1
