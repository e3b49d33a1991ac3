"""Planned statements answer the same on both databases."""

from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import bindparam, func, select

from mainstay.base.errors import Unavailable
from mainstay.base.ids import uuid7
from mainstay.storage import errors, sql
from tests.databases import Urls
from tests.rooms.storage.shelf import Shelf, Status, books, library, tenant


async def test_values_come_back_as_they_went_in(urls: Urls) -> None:
    async with library(urls) as database:
        shelf, scope = Shelf(database), tenant()
        values: dict[str, Any] = {
            "summary": "Ünïcode 🦉 % _",
            "price": Decimal("-12345678901234.5678"),
            "at": datetime(2026, 2, 3, 4, 5, 6, 7, timezone(timedelta(hours=2))),
            "day": date(2024, 2, 29),
            "time": time(23, 59, 59, 999999),
            "extra": {"a": [1, None, "x"]},
            "ratio": 0.1,
            "number": 2**63 - 1,
            "open": True,
            "status": Status.published,
        }
        await database.write(scope, shelf.adding("One", **values), single=True)
        columns = [books.c[name] for name in values]
        (row,) = await shelf.read(scope, select(*columns).where(sql.in_tenant(books)))
        assert dict(zip(values, row, strict=True)) == values
        assert row[1].as_tuple().exponent == -4
        assert row[2].utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("price", Decimal("0.00001")),
        ("price", Decimal("123456789012345")),
        ("price", Decimal("NaN")),
        ("at", datetime(2026, 1, 1)),
        ("status", "lost"),
        ("id", "not a uuid"),
    ],
)
async def test_a_value_that_a_type_cannot_hold_is_refused(urls: Urls, name: str, value: Any) -> None:
    async with library(urls) as database:
        shelf, scope = Shelf(database), tenant()
        values = {"id": uuid7(), "title": "x", name: value}

        def script() -> Any:
            yield shelf.add, values

        with pytest.raises((ValueError, errors.CheckFailed)):
            await database.write(scope, script(), single=True)
        assert await shelf.list(scope) == []


async def test_conditions_mean_the_same(urls: Urls) -> None:
    async with library(urls) as database:
        shelf, scope, other = Shelf(database), tenant(), tenant()
        titles = ["100%", "a_b", "Abc", "axb", "Über", "éclair", "über"]
        for title in titles:
            await database.write(scope, shelf.adding(title), single=True)
            await database.write(other, shelf.adding(title), single=True)

        async def found(condition: Any, **values: Any) -> list[str]:
            mine = select(books.c.title).where(sql.in_tenant(books), condition).order_by(books.c.title)
            return [row[0] for row in await shelf.read(scope, mine, **values)]

        text = books.c.title
        assert await shelf.list(scope) == sorted(titles, key=str.encode)
        assert await found(sql.contains(text, "q"), q="%") == ["100%"]
        assert await found(sql.contains(text, "q"), q="_") == ["a_b"]
        assert await found(sql.contains(text, "q"), q="BC") == ["Abc"]
        assert await found(sql.contains(text, "q"), q="ü") == ["über"]
        assert await found(sql.contains(text, "q"), q="") == sorted(titles, key=str.encode)
        assert await found(sql.starts_with(text, "q"), q="A") == ["Abc", "a_b", "axb"]
        assert await found(sql.ends_with(text, "q"), q="B") == ["a_b", "axb"]
        assert await found(sql.ends_with(text, "q"), q="") == sorted(titles, key=str.encode)
        assert await found(sql.any_of(text, "q"), q=["Abc", "100%", "none"]) == ["100%", "Abc"]
        assert await found(sql.any_of(text, "q"), q=[]) == []


async def test_null_is_the_smallest(urls: Urls) -> None:
    async with library(urls) as database:
        shelf, scope = Shelf(database), tenant()
        for number in (2, None, 1):
            await database.write(scope, shelf.adding(str(number), number=number), single=True)
        mine = select(books.c.number).where(sql.in_tenant(books))
        up = await shelf.read(scope, mine.order_by(sql.nulls_smallest(books.c.number.asc())))
        down = await shelf.read(scope, mine.order_by(sql.nulls_smallest(books.c.number.desc())))
        assert [row[0] for row in up] == [None, 1, 2]
        assert [row[0] for row in down] == [2, 1, None]


async def test_full_text_finds_words_and_prefixes_of_the_tenants_own_rows(urls: Urls) -> None:
    async with library(urls) as database:
        shelf, scope, other = Shelf(database), tenant(), tenant()
        await database.write(scope, shelf.adding("The Über-book of foo.bar", summary="by hand"), single=True)
        await database.write(other, shelf.adding("Another book", summary="by machine"), single=True)
        condition = sql.matches(books, "q")
        mine = select(books.c.title).where(sql.in_tenant(books), condition)
        hits = {
            "book": 1, "BOOK über": 1, "boo": 1, "oo": 0, "foo bar": 1, "foo-ba": 1, "hand": 1, "machine": 0,
            "": 0, '"': 0, "* AND (": 0, "NEAR(": 0, "title:book": 0, "c_title : book": 0, scope.key[:8]: 0,
        }  # fmt: skip
        for words, expected in hits.items():
            assert len(await shelf.read(scope, mine, q=words)) == expected, words


async def test_a_foreign_tenant_sees_nothing(urls: Urls) -> None:
    async with library(urls) as database:
        shelf, scope = Shelf(database), tenant()
        await database.write(scope, shelf.adding("Mine"), single=True)
        assert await shelf.list(scope) == ["Mine"]
        assert await shelf.list(tenant()) == []


async def test_a_read_on_the_loop_gives_up_at_its_deadline_and_is_done_on_a_thread(sqlite_urls: Urls) -> None:
    async with library(sqlite_urls, loop_deadline=0.0) as database:
        shelf, scope = Shelf(database), tenant()
        await database.write(scope, shelf.adding("Mine"), single=True)
        long = _long(shelf, 100_000)
        assert database.fetch_now(scope, long, {}) is None
        assert await database.fetch(scope, long, {}) == [(100_000,)]


async def test_a_quick_read_never_leaves_the_loop(sqlite_urls: Urls) -> None:
    async with library(sqlite_urls) as database:
        shelf, scope = Shelf(database), tenant()
        await database.write(scope, shelf.adding("Mine"), single=True)
        assert database.fetch_now(scope, shelf.titles, {}) == [("Mine",)]
        assert (
            database.fetch_now(scope, shelf.plan(select(books.c.id).where(sql.in_tenant(books)), slow=True), {}) is None
        )


async def test_a_statement_that_takes_too_long_is_unavailable(urls: Urls) -> None:
    async with library(urls, statement_timeout=0.2) as database:
        with pytest.raises(Unavailable, match="too long"):
            await database.fetch(tenant(), _long(Shelf(database), 1_000_000_000), {})
        await database.ping()


def _long(shelf: Shelf, rows: int) -> Any:
    """A statement that counts to `rows`, one by one."""
    start = select(bindparam("one", 1).label("n")).cte("counter", recursive=True)
    counter = start.union_all(select(start.c.n + 1).where(start.c.n < rows))
    return shelf.plan(select(func.max(counter.c.n)))
