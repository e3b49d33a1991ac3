"""Cursors lose nothing and repeat nothing, forward and backward, over any sort list, on both databases."""

import asyncio
from typing import Any
from uuid import uuid4

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mainstay.base.errors import CursorRefused
from mainstay.resources.cursors import Cursors
from tests.databases import Urls
from tests.growth.board import MODELS, Board
from tests.rooms.resources.library import Shelf, caller, shelf

FIELDS = ("title", "price", "stock", "rating", "published_on", "seen_at", "lent", "status", "summary", "created_at")
rows = st.lists(
    st.fixed_dictionaries(
        {"title": st.sampled_from(["a", "B", "b", "é", "a b", "𝄞", "￿"])},
        optional={
            "price": st.sampled_from(["0", "1", "1.5", "99999999999999.9999"]),
            "stock": st.sampled_from([None, -1, 0, 2**63 - 1, -(2**63)]),
            "rating": st.sampled_from([None, 0.0, -1.5, 1e300, 0.1]),
            "published_on": st.sampled_from([None, "0001-01-01", "2020-02-29", "9999-12-31"]),
            "seen_at": st.sampled_from([None, "2020-01-01T00:00:00Z", "2020-01-01T00:00:00.000001Z"]),
            "status": st.sampled_from(["draft", "published"]),
            "summary": st.sampled_from([None, "", "x", "X"]),
        },
    ),
    min_size=1,
    max_size=12,
)
sorts = st.lists(st.tuples(st.sampled_from(FIELDS), st.booleans()), max_size=4, unique_by=lambda each: each[0])


@pytest.fixture
def loop_and_library(urls: Urls) -> Any:
    """A loop of our own: Hypothesis runs many examples over one database."""
    loop = asyncio.new_event_loop()
    context = shelf(urls)
    yield loop, loop.run_until_complete(context.__aenter__())
    loop.run_until_complete(context.__aexit__(None, None, None))
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()


def test_every_row_appears_exactly_once_in_both_directions(loop_and_library: Any) -> None:
    loop, library = loop_and_library

    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
    @given(rows, sorts, st.integers(1, 5))
    def prove(given_rows: list[dict[str, Any]], sort: list[tuple[str, bool]], limit: int) -> None:
        loop.run_until_complete(_prove(library, given_rows, sort, limit))

    prove()


async def _prove(library: Shelf, given_rows: list[dict[str, Any]], sort: list[tuple[str, bool]], limit: int) -> None:
    # A tenant of its own: rows of other examples stay out of it.
    me = caller("admin", tenant=uuid4())
    await library.records["books"].create_many(me, given_rows)
    order = ",".join(f"{'-' if down else ''}{name}" for name, down in sort)
    query = f"limit={limit}" + (f"&sort={order}" if order else "")
    whole = await library.items("books", query.replace(f"limit={limit}", "limit=200"), by=me)
    assert len(whole) == len(given_rows)
    assert whole == sorted(whole, key=lambda row: _key(row, sort))
    forward, last = await _walk(library, query, "next", "after", me)
    assert [row["id"] for row in forward] == [row["id"] for row in whole]
    # From behind the last page back to the first.
    backward: list[Any] = list(last["items"])
    page = last
    while page["prev"] is not None:
        page = await library.page("books", f"{query}&before={page['prev']}", by=me)
        backward = page["items"] + backward
    assert [row["id"] for row in backward] == [row["id"] for row in whole]


async def _walk(library: Shelf, query: str, side: str, name: str, me: Any) -> tuple[list[Any], dict[str, Any]]:
    page = await library.page("books", query, by=me)
    found = list(page["items"])
    while page[side] is not None:
        page = await library.page("books", f"{query}&{name}={page[side]}", by=me)
        assert page["items"]
        found += page["items"]
    return found, page


def _key(row: dict[str, Any], sort: list[tuple[str, bool]]) -> Any:
    """The row's place as Python sees it: NULL smallest, text by code point."""
    keys = []
    for name, down in sort:
        value = row[name]
        if name == "price":
            value = float(value)
        keys.append(_Turned((value is not None, value), down))
    keys.append(_Turned((True, row["id"]), sort[-1][1] if sort else False))
    return keys


class _Turned:
    """A sort value whose order may be turned round."""

    def __init__(self, value: tuple[bool, Any], down: bool) -> None:
        self.value, self.down = value, down

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Turned) and self.value == other.value

    def __lt__(self, other: "_Turned") -> bool:
        (here, mine), (there, theirs) = self.value, other.value
        if here != there:
            return (here < there) is not self.down
        if not here or mine == theirs:
            return False
        if isinstance(mine, str):
            mine, theirs = mine.encode(), theirs.encode()
        return bool((mine < theirs) is not self.down)


DECLARED = ("", "due", "-due", "-due,effort", "due,-effort", "state,due", "-state,-due", "-effort,title", "project_id")
tasks = st.lists(
    st.fixed_dictionaries(
        {
            "title": st.sampled_from(["a", "B", "b"]),
            "due": st.sampled_from([None, "0001-01-01", "2020-02-29"]),
            "effort": st.sampled_from([0, 1]),
            "state": st.sampled_from(["open", "closed"]),
        }
    ),
    min_size=4,
    max_size=14,
)


def test_rows_deleted_while_somebody_pages_move_no_other_row(urls: Urls) -> None:
    """By every declared order, up to what is read range by range: each row that stays comes once, in its place."""
    loop = asyncio.new_event_loop()
    context = shelf(urls, MODELS, Board)
    board = loop.run_until_complete(context.__aenter__())

    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
    @given(tasks, st.sampled_from(DECLARED), st.sampled_from(["", "&state=open"]), st.integers(1, 4), st.data())
    def prove(rows: list[dict[str, Any]], sort: str, only: str, limit: int, data: st.DataObject) -> None:
        query = (f"sort={sort}{only}" if sort else only).strip("&")
        loop.run_until_complete(_prove_with_deletes(board, rows, query, sort or "-created_at", limit, data))

    try:
        prove()
    finally:
        loop.run_until_complete(context.__aexit__(None, None, None))
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()


async def _prove_with_deletes(
    board: Shelf, rows: list[dict[str, Any]], query: str, sort: str, limit: int, data: st.DataObject
) -> None:
    me = caller("admin", tenant=uuid4())
    projects = [await board.create("projects", me, name=name) for name in "ab"]
    given_rows = [{**row, "project_id": projects[n % 2]["id"]} for n, row in enumerate(rows)]
    await board.records["tasks"].create_many(me, given_rows)
    order = [(each.removeprefix("-"), each.startswith("-")) for each in sort.split(",")]
    whole = await board.items("tasks", f"{query}&limit=200".strip("&"), by=me)
    assert whole == sorted(whole, key=lambda row: _key(row, order))
    places = {row["id"]: place for place, row in enumerate(whole)}
    kept = set(places)

    async def walk(page: dict[str, Any], side: str, name: str) -> tuple[list[int], dict[str, Any]]:
        met: list[int] = []
        while True:
            found = [row["id"] for row in page["items"]]
            met += [places[key] for key in (found if name == "after" else reversed(found))]
            if page[side] is None:
                return met, page
            gone = data.draw(st.sampled_from([None, *sorted(kept)]))
            if gone is not None:
                kept.discard(gone)
                await board.records["tasks"].delete(me, gone)
            page = await board.page("tasks", f"{query}&limit={limit}&{name}={page[side]}".strip("&"), by=me)
            assert kept.issuperset(row["id"] for row in page["items"])

    down, last = await walk(await board.page("tasks", f"{query}&limit={limit}".strip("&"), by=me), "next", "after")
    assert down == sorted(set(down))
    assert {places[key] for key in kept} <= set(down)
    if last["prev"] is not None:
        up, _ = await walk(last, "prev", "before")
        assert up == sorted(set(up), reverse=True)
        assert {places[key] for key in kept} <= set(up)


def test_forged_truncated_and_foreign_cursors_are_refused() -> None:
    cursors = Cursors(b"k" * 32)
    cursor = cursors.seal(b"binding", ["a", None, 1])
    assert cursors.open(cursor, b"binding") == ["a", None, 1]
    bad = [cursor[:-1], cursor + "A", cursor[1:], "", "A", cursor.upper(), cursor + "=", "é" + cursor, cursor * 2000]
    for text in bad:
        with pytest.raises(CursorRefused):
            cursors.open(text, b"binding")
    with pytest.raises(CursorRefused):
        Cursors(b"x" * 32).open(cursor, b"binding")
    with pytest.raises(CursorRefused):
        cursors.open(cursor, b"bindinh")


@given(st.text(max_size=200))
def test_no_text_is_a_cursor_by_chance(text: str) -> None:
    with pytest.raises(CursorRefused):
        Cursors(b"k" * 32).open(text, b"binding")


@given(st.binary(max_size=30), st.lists(st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1), st.text(max_size=20))))
def test_a_sealed_place_opens_as_it_was(binding: bytes, values: list[Any]) -> None:
    try:
        orjson.dumps(values)
    except TypeError:
        return
    cursors = Cursors(b"k" * 32)
    assert cursors.open(cursors.seal(binding, values), binding) == values
