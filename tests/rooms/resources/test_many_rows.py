"""Rows that are created together: a few statements for all of them, and nothing else is different."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import orjson
import pytest
from sqlalchemy import select
from sqlalchemy.orm import Mapped

from mainstay.access import Access, signed_in
from mainstay.base.errors import Conflict
from mainstay.model import Resource, field, owned
from mainstay.storage.engines.sqlite import SQLite
from mainstay.storage.sql import in_tenant
from mainstay.storage.statement import compile_statement
from mainstay.storage.tables import outbox as changes
from tests.databases import Urls
from tests.rooms.resources.library import Shelf, caller, shelf


class Cabinet(Resource, family=True):
    __abstract__ = True


class Card(Cabinet):
    """One of many."""

    __tablename__ = "cards"
    name: Mapped[str] = field(max_length=40, unique=True, search=True)
    note: Mapped[str | None] = field(max_length=200)
    owner_id: Mapped[UUID] = owned()
    __access__ = Access(read=signed_in, write=signed_in)


@pytest.fixture
async def cabinet(urls: Urls) -> AsyncIterator[Shelf]:
    async with shelf(urls, (Card,), Cabinet) as opened:
        opened.admin = caller("member")
        yield opened


async def told(cabinet: Shelf) -> list[tuple[str, dict[str, Any]]]:
    """The outbox: whose row, and what was written of it, in order."""
    stored = select(changes.c.key, changes.c.payload).where(in_tenant(changes)).order_by(changes.c.seq)
    statement = compile_statement(stored, cabinet.database.dialect)
    rows = await cabinet.database.fetch(cabinet.admin.require_scope(), statement, {})
    return [(row[0], row[1]["row"]) for row in statement.read(rows)]


async def test_rows_are_answered_and_told_of_in_their_order(cabinet: Shelf) -> None:
    # Neither the names nor the keys rise, so that no order but that of the request gives this answer.
    rows = [{"name": f"card {n * 67 % 150}", "note": None if n % 3 else f"{n}"} for n in range(150)]
    written = await cabinet.records["cards"].create_many(cabinet.admin, rows)
    bodies = [orjson.loads(each.body or b"") for each in written]
    assert [(body["name"], body["note"]) for body in bodies] == [(row["name"], row["note"]) for row in rows]
    assert [body["id"] for body in bodies] == [each.key for each in written]
    assert {body["owner_id"] for body in bodies} == {str(cabinet.admin.actor.user_id)}
    noted = await told(cabinet)
    assert [key for key, _ in noted] == [each.key for each in written]
    assert [row["name"] for _, row in noted] == [row["name"] for row in rows]
    assert len(await cabinet.items("cards", "q=card&limit=100")) == 100


async def test_rows_of_two_shapes_keep_their_places(cabinet: Shelf) -> None:
    rows = [{"name": f"card {n}", **({"note": "long"} if n // 10 % 2 else {})} for n in range(60)]
    written = await cabinet.records["cards"].create_many(cabinet.admin, rows)
    assert [orjson.loads(each.body or b"")["name"] for each in written] == [row["name"] for row in rows]


@pytest.mark.parametrize("place", [1, 63, 64, 129])
async def test_one_that_is_refused_is_named_and_nothing_is_written(cabinet: Shelf, place: int) -> None:
    rows = [{"name": f"card {n}"} for n in range(130)]
    rows[place] = {"name": "card 0"}
    with pytest.raises(Conflict) as refused:
        await cabinet.records["cards"].create_many(cabinet.admin, rows)
    assert [error.loc for error in refused.value.errors] == [(place, "name")]
    assert await cabinet.items("cards") == []
    assert await told(cabinet) == []


async def test_sqlite_is_asked_for_many_at_once(cabinet: Shelf) -> None:
    engine = cabinet.database.engine
    if not isinstance(engine, SQLite):
        pytest.skip("PostgreSQL takes all of them in one: test_round_trips.py")
    sent: list[str] = []
    writer = engine._writer
    assert writer is not None
    writer._connection.set_trace_callback(sent.append)
    await cabinet.records["cards"].create_many(cabinet.admin, [{"name": f"card {n}"} for n in range(137)])
    writer._connection.set_trace_callback(None)
    # 137 = 64 + 64 + 8 + 1, each with its outbox rows. A statement is told of once more for each trigger it sets off.
    ours = {text for text in sent if text.startswith(("INSERT INTO cards ", "INSERT INTO mainstay_outbox "))}
    assert len(ours) == 8
