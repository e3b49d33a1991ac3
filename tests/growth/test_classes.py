"""Slow work beside quick work: readers that give way, plans made aside, and shares that nobody can overdraw."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest

from mainstay.base.errors import TooManyRequests, Unavailable
from mainstay.resources.plan.cache import PlanCache
from mainstay.resources.plan.planning import Planning, Share
from mainstay.storage.engines.sqlite.readers import WAITING, Late, ReaderThreads
from tests.databases import Urls
from tests.rooms.resources.library import Shelf, caller, shelf

ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
LONG = "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 300000) SELECT max(i) FROM n"


@pytest.fixture
async def readers(tmp_path: Path) -> AsyncIterator[ReaderThreads]:
    made = ReaderThreads(tmp_path / "x.db", 1, 0.2)
    yield made
    await asyncio.to_thread(made.close)


async def test_a_statement_that_takes_too_long_is_stopped_and_the_thread_serves_on(readers: ReaderThreads) -> None:
    started = time.monotonic()
    with pytest.raises(Unavailable, match="too long") as refused:
        await readers.fetch(ENDLESS, ())
    assert refused.value.headers["Retry-After"] == "1"
    assert time.monotonic() - started < 5
    assert await readers.fetch("SELECT 1", ()) == [(1,)]


async def test_waiting_for_a_thread_counts(readers: ReaderThreads) -> None:
    with pytest.raises(Unavailable):
        await asyncio.gather(readers.fetch(ENDLESS, (), "a"), readers.fetch(ENDLESS, (), "b"))


async def test_nobody_s_statement_outlives_the_one_who_asked(readers: ReaderThreads) -> None:
    asked = asyncio.create_task(readers.fetch(ENDLESS, ()))
    await asyncio.sleep(0.02)
    asked.cancel()
    assert await readers.fetch("SELECT 1", ()) == [(1,)]


async def test_tenants_take_turns_at_the_threads(tmp_path: Path) -> None:
    readers = ReaderThreads(tmp_path / "x.db", 1, 30)
    order: list[str] = []

    async def ask(whose: str, name: str) -> None:
        await readers.fetch(LONG, (), whose)
        order.append(name)

    many = [asyncio.create_task(ask("many", f"many {n}")) for n in range(4)]
    await asyncio.sleep(0)
    await asyncio.gather(ask("few", "few"), *many)
    await asyncio.to_thread(readers.close)
    assert order.index("few") <= 2


async def test_one_tenant_may_have_only_so_many_waiting(tmp_path: Path) -> None:
    readers = ReaderThreads(tmp_path / "x.db", 1, 30)
    asked = [asyncio.create_task(readers.fetch(ENDLESS, (), "many")) for _ in range(WAITING + 1)]
    await asyncio.sleep(0.05)
    with pytest.raises(Unavailable, match="Too many"):
        await asyncio.gather(readers.fetch("SELECT 1", (), "many"), readers.fetch("SELECT 1", (), "many"))
    for each in asked:
        each.cancel()
    await asyncio.gather(*asked, return_exceptions=True)
    assert await readers.fetch("SELECT 1", (), "few") == [(1,)]
    await asyncio.to_thread(readers.close)


def late_twice(late: Late, whose: str, sql: str, *, work: bool) -> None:
    """Tried twice, and late both times: for all the work it was, or for want of a processor."""
    late.tried(whose, sql, late=True, allowed=0.005)
    assert not late.holds(whose, sql)
    began = time.thread_time()
    while work and time.thread_time() - began < 0.003:
        pass
    late.tried(whose, sql, late=True, allowed=0.005)


def test_late_statements_are_remembered_for_their_tenant_alone() -> None:
    late = Late()
    assert not late
    late_twice(late, "a", "SELECT 1", work=True)
    assert late
    assert late.holds("a", "SELECT 1")
    assert not late.holds("b", "SELECT 1")
    assert not late.holds("a", "SELECT 2")


def test_a_statement_that_had_no_processor_is_tried_again() -> None:
    late = Late()
    late_twice(late, "a", "SELECT 1", work=False)
    assert not late.holds("a", "SELECT 1")
    late.tried("a", "SELECT 1", late=False, allowed=0.005)
    assert not late


async def test_a_statement_that_outlived_the_loop_s_deadline_leaves_the_loop_alone(sqlite_urls: Urls) -> None:
    async with shelf(sqlite_urls) as library:
        database = library.database
        author = await library.create("authors", name="Ada")
        rows = [{"title": f"{n}", "author_id": author["id"]} for n in range(2000)]
        await library.records["books"].create_many(library.admin, rows)
        books = library.records["books"]
        query = books.read_query(b"rating.gt=3")
        engine: object = database.engine
        engine._reader.allowed = 0.0  # type: ignore[attr-defined]  # every statement of more than a few rows is late
        for _ in range(2):
            assert books.page_now(library.admin, query) is None
            await books.page(library.admin, query)
        assert books.page_now(library.admin, query) is None
        engine._reader.allowed = 10.0  # type: ignore[attr-defined]  # as above
        assert books.page_now(library.admin, query) is None
        other = caller("admin", tenant=uuid4())
        assert books.page_now(other, query) is not None


async def test_a_plan_is_made_once_for_all_who_wait_for_it() -> None:
    planning, plans, made = Planning(), PlanCache[str](8), []

    def make() -> str:
        made.append(1)
        time.sleep(0.02)
        return "plan"

    first = asyncio.create_task(planning.made(plans, ("x",), "a", make))
    others = [planning.made(plans, ("x",), name, make) for name in "bcd"]
    await asyncio.sleep(0)
    gathered = asyncio.gather(*others)
    await asyncio.sleep(0.005)
    first.cancel()
    assert await gathered == ["plan"] * 3
    assert len(made) == 1


def test_who_has_too_many_plans_made_waits_and_nobody_else_does() -> None:
    now = 100.0
    share = Share(burst=1.0, rate=0.1, clock=lambda: now)
    share.check("hostile")
    share.spend("hostile", 1.5)
    with pytest.raises(TooManyRequests) as refused:
        share.check("hostile")
    assert refused.value.headers["Retry-After"] == "5"
    share.check("honest")
    now += 6
    share.check("hostile")


async def test_the_plans_of_changes_count_too_and_nothing_is_written_without_one(library: Shelf) -> None:
    hostile, books = caller("admin"), library.records["books"]
    author = await library.create("authors", name="Ada")
    row = await library.create("books", title="One", author_id=author["id"])
    share = library.records._planner._planning._share = Share(burst=10.0, rate=1e-6)
    await books.update(hostile, row["id"], {"title": "Two"})
    share._burst = 0.0
    with pytest.raises(TooManyRequests):
        await books.update(hostile, row["id"], {"title": "Three", "rating": 1})
    assert [book["title"] for book in await library.items("books", by=caller("admin"))] == ["Two"]
    # What has a plan goes on.
    await books.update(hostile, row["id"], {"title": "Four"})


def test_shapes_that_nobody_asks_for_twice_push_out_only_their_like() -> None:
    plans = PlanCache[int](16)
    plans.keep(("used",), 1)
    assert plans.find(("used",)) == 1
    for number in range(1000):
        plans.keep(("invented", number), number)
    assert plans.find(("used",)) == 1
    assert len(plans) <= 16


async def test_the_plans_of_first_requests_are_there_when_a_server_starts(sqlite_urls: Urls) -> None:
    async with shelf(sqlite_urls) as library:
        await library.records.warm()
        for name in ("books", "tags"):
            records = library.records[name]
            assert records.page_now(caller("user"), records.read_query(b"")) is not None


async def test_expanding_a_parent_with_many_rows_shows_its_first_ones_on_both_databases(library: Shelf) -> None:
    ids = [(await library.create("authors", name=name))["id"] for name in ("many", "few", "none")]
    rows = [{"title": f"{n:03}", "author_id": ids[0]} for n in range(120)] + [{"title": "few", "author_id": ids[1]}]
    await library.records["books"].create_many(library.admin, rows)
    found = {row["name"]: row["books"] for row in await library.items("authors", "expand=books&sort=name")}
    assert [book["title"] for book in found["many"]["items"]] == [f"{n:03}" for n in range(100)]
    assert found["many"]["next"] is not None
    assert [book["title"] for book in found["few"]["items"]] == ["few"]
    assert found["none"] == {"items": [], "next": None}


@pytest.fixture
async def library(urls: Urls) -> AsyncIterator[Shelf]:
    async with shelf(urls) as opened:
        yield opened
