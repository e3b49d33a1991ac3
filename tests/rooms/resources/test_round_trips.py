"""How often PostgreSQL is asked for one request, and that fewer questions give no other answers."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from uuid import UUID

import orjson
import pytest
from sqlalchemy.orm import Mapped, relationship

from mainstay.access import Access, row, signed_in
from mainstay.base.errors import Conflict, NotFound
from mainstay.model import Resource, field, ref
from mainstay.storage.engines.postgres import PostgreSQL
from tests.databases import Urls
from tests.rooms.resources.library import Shelf, caller, outbox, shelf


class Desk(Resource, family=True):
    __abstract__ = True


class Drawer(Desk):
    """Where notes lie."""

    __tablename__ = "drawers"
    name: Mapped[str] = field(max_length=40, unique=True)
    open: Mapped[bool] = field(default=True)
    __access__ = Access(read=signed_in, write=signed_in)


class Note(Desk):
    """Something written; read where its drawer is open."""

    __tablename__ = "notes"
    text: Mapped[str] = field(max_length=200)
    drawer_id: Mapped[UUID | None] = ref(Drawer)
    drawer: Mapped[Drawer | None] = relationship()
    __access__ = Access(read=row.drawer.open == True, write=signed_in)  # noqa: E712  a rule, not a comparison


@pytest.fixture
async def desk(postgresql_urls: Urls) -> AsyncIterator[Shelf]:
    async with shelf(postgresql_urls, (Drawer, Note), Desk) as opened:
        opened.admin = caller("member")
        yield opened


async def asked(desk: Shelf, work: Callable[[], Awaitable[Any]]) -> tuple[Any, list[str]]:
    """The result, and the first words of each statement that was sent for it."""
    await work()
    engine = desk.database.engine
    assert isinstance(engine, PostgreSQL)
    sent: list[str] = []

    def note(record: Any) -> None:
        sent.append(" ".join(record.query.split()[:3]))

    connections = list(engine._requests._idle)
    for connection in connections:
        connection.add_query_logger(note)
    try:
        result = await work()
        # The driver tells its loggers a moment later.
        await asyncio.sleep(0)
        return result, sent
    finally:
        for connection in connections:
            connection.remove_query_logger(note)


async def test_reads_and_creates_are_one_statement(desk: Shelf) -> None:
    drawers = desk.records["drawers"]
    made = await desk.create("drawers", name="first")
    query = drawers.read_query(b"")
    assert len((await asked(desk, lambda: drawers.page(desk.admin, query)))[1]) == 1
    assert len((await asked(desk, lambda: drawers.one(desk.admin, made["id"])))[1]) == 1
    names = iter("abcdefgh")
    assert len((await asked(desk, lambda: drawers.create(desk.admin, {"name": next(names)})))[1]) == 1


async def test_a_change_is_a_look_and_a_write(desk: Shelf) -> None:
    drawers, names = desk.records["drawers"], iter("abcdefgh")
    keys = [(await desk.create("drawers", name=f"drawer {n}"))["id"] for n in range(2)]
    _, sent = await asked(desk, lambda: drawers.update(desk.admin, keys[0], {"name": next(names)}))
    assert len(sent) == 2, sent
    left = iter(keys)
    _, sent = await asked(desk, lambda: drawers.delete(desk.admin, next(left)))
    assert len(sent) == 2, sent
    assert [action for _, action, _ in await outbox(desk)][-2:] == ["deleted", "deleted"]


async def test_changes_of_one_row_at_the_same_time_all_come_to_pass(desk: Shelf) -> None:
    drawers = desk.records["drawers"]
    made = await desk.create("drawers", name="first")
    await asyncio.gather(*(drawers.update(desk.admin, made["id"], {"name": f"name {n}"}) for n in range(8)))
    assert (await desk.one("drawers", made["id"]))["row_version"] == 9
    assert [version for _, _, version in await outbox(desk)] == list(range(1, 10))


async def test_a_row_deleted_in_between_is_not_found(desk: Shelf) -> None:
    drawers = desk.records["drawers"]
    made = await desk.create("drawers", name="first")
    done = await asyncio.gather(
        *(drawers.delete(desk.admin, made["id"]) for _ in range(4)),
        *(drawers.update(desk.admin, made["id"], {"open": False}) for _ in range(4)),
        return_exceptions=True,
    )
    assert sum(not isinstance(each, BaseException) for each in done[:4]) == 1
    assert all(isinstance(each, NotFound) for each in done if isinstance(each, BaseException)), done
    with pytest.raises(NotFound):
        await desk.one("drawers", made["id"])


async def test_what_is_answered_only_after_another_look_is_answered(desk: Shelf) -> None:
    open_one = await desk.create("drawers", name="open")
    closed = await desk.create("drawers", name="closed", open=False)
    notes = desk.records["notes"]
    seen = await notes.create(desk.admin, {"text": "seen", "drawer_id": open_one["id"]})
    assert seen.body is not None
    assert orjson.loads(seen.body)["text"] == "seen"
    assert (await notes.create(desk.admin, {"text": "hidden", "drawer_id": closed["id"]})).body is None
    many = await notes.create_many(
        desk.admin, [{"text": "one", "drawer_id": open_one["id"]}, {"text": "two", "drawer_id": closed["id"]}]
    )
    assert [each.body is None for each in many] == [False, True]
    changed = await notes.update(desk.admin, seen.key, {"drawer_id": closed["id"]})
    assert changed.body is None


async def test_many_rows_are_one_statement_in_their_order(desk: Shelf) -> None:
    drawers, turns = desk.records["drawers"], iter("abc")

    def rows() -> list[dict[str, Any]]:
        turn = next(turns)
        return [{"name": f"{turn} {n}", "open": n % 2 == 0} for n in range(300)]

    written, sent = await asked(desk, lambda: drawers.create_many(desk.admin, rows()))
    assert len(sent) == 1, sent
    bodies = [orjson.loads(each.body) for each in written]
    assert [body["name"] for body in bodies] == [f"b {n}" for n in range(300)]
    assert [body["id"] for body in bodies] == [each.key for each in written]
    assert await outbox(desk) == [("drawers", "created", 1)] * 600


async def test_one_row_that_is_refused_is_named_and_nothing_is_written(desk: Shelf) -> None:
    drawers = desk.records["drawers"]
    rows = [{"name": f"drawer {n}"} for n in range(40)]
    rows[31] = {"name": "drawer 7"}
    with pytest.raises(Conflict) as refused:
        await drawers.create_many(desk.admin, rows)
    assert [error.loc for error in refused.value.errors] == [(31, "name")]
    assert await desk.items("drawers") == []
    assert await outbox(desk) == []
