"""A value means the same on both databases: what comes back is what went in, byte for byte."""

import asyncio
from collections.abc import Generator
from contextlib import AsyncExitStack
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

import orjson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import bindparam, delete, insert, select
from sqlalchemy.orm import Mapped

from mainstay.base.ids import uuid7
from mainstay.model import Resource, field
from mainstay.model.spec import describe, validated
from mainstay.storage import Database, compile_statement, sql
from tests.databases import Urls
from tests.rooms.model.tables import TENANT, opened


class Base(Resource, family=True):
    __abstract__ = True


class Mood(StrEnum):
    calm = "calm"
    odd = "it's “odd”"


class Thing(Base):
    __tablename__ = "things"
    text: Mapped[str | None] = field()
    whole: Mapped[int | None] = field()
    amount: Mapped[Decimal | None] = field()
    exact: Mapped[Decimal | None] = field(digits=18, places=0)
    rate: Mapped[Decimal | None] = field(digits=18, places=18)
    ratio: Mapped[float | None] = field()
    flag: Mapped[bool | None] = field()
    moment: Mapped[datetime | None] = field()
    day: Mapped[date | None] = field()
    at: Mapped[time | None] = field()
    key: Mapped[UUID | None] = field()
    mood: Mapped[Mood | None] = field()
    data: Mapped[dict[str, Any] | None] = field()
    words: Mapped[list[str] | None] = field()
    numbers: Mapped[list[int] | None] = field()


TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
SCALED = st.integers(1 - 10**18, 10**18 - 1)
OFFSETS = st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
NUMBERS = (
    st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.floats(1e15, 3e19).map(round).map(float)
)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


def bodies() -> st.SearchStrategy[dict[str, Any]]:
    """JSON bodies as clients send them."""
    moments = st.datetimes(datetime(2, 1, 1), datetime(9998, 12, 30), timezones=OFFSETS).map(datetime.isoformat)
    fields: dict[str, st.SearchStrategy[Any]] = {
        "text": TEXT,
        "whole": st.integers(-(2**63), 2**63 - 1),
        "amount": SCALED.map(lambda n: f"{Decimal(n).scaleb(-4):f}"),
        "exact": SCALED.map(str),
        "rate": SCALED.map(lambda n: f"{Decimal(n).scaleb(-18):f}"),
        "ratio": st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**70), 2**70),
        "flag": st.booleans(),
        "moment": moments,
        "day": st.dates().map(date.isoformat),
        "at": st.times().map(time.isoformat),
        "key": st.uuids().map(str) | st.uuids().map(lambda key: str(key).upper()),
        "mood": st.sampled_from([mood.value for mood in Mood]),
        "data": st.dictionaries(TEXT, JSON, max_size=3),
        "words": st.lists(TEXT, max_size=3),
        "numbers": st.lists(st.integers(-(2**63), 2**63 - 1), max_size=3),
    }
    return st.fixed_dictionaries({}, optional={name: st.none() | values for name, values in fields.items()})


async def through(database: Database, values: dict[str, Any]) -> tuple[bytes, dict[str, Any]]:
    """Store one row, read it back: its wire form as the serialiser makes it, and its Python values."""
    spec, table = describe(Thing), Thing.__table__
    shown = {name: known for name, known in spec.fields.items() if name in values}
    binds = {name: bindparam(name, type_=table.c[name].type) for name in values}
    stored = compile_statement(insert(table).values(tenant_id=sql.TENANT, **binds), database.dialect)
    # Rolled back never: each row is removed again, so that the next one is alone.
    columns = [table.c[name] for name in shown]
    read = compile_statement(select(*columns).where(sql.in_tenant(table)), database.dialect)
    removed = compile_statement(delete(table).where(sql.in_tenant(table)), database.dialect)

    def script() -> Generator[Any, Any, Any]:
        yield stored, values
        rows = yield read, {}
        yield removed, {}
        return rows

    (row,) = await database.write(TENANT, script())
    wire = {}
    for (name, known), raw in zip(shown.items(), row, strict=True):
        convert = known.to_wire(database.name)
        wire[name] = raw if convert is None else convert(raw)
    python = dict(zip(shown, read.read([tuple(row)])[0], strict=True))
    return orjson.dumps(wire), python


def test_both_databases_give_back_the_same_bytes(sqlite_urls: Urls, postgresql_urls: Urls) -> None:
    spec = describe(Thing)
    now = datetime(2026, 1, 31, 12, tzinfo=UTC)

    async def both(runner: asyncio.Runner, stack: AsyncExitStack) -> list[Database]:
        return [await stack.enter_async_context(opened(urls, Base.metadata)) for urls in (sqlite_urls, postgresql_urls)]

    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        databases = runner.run(both(runner, stack))

        @settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck), database=None)
        @given(body=bodies())
        def agree(body: dict[str, Any]) -> None:
            values = validated(spec, "create", body)
            system = {"id": uuid7(), "created_at": now, "updated_at": now, "row_version": 1}
            expected = orjson.dumps(
                {name: spec.fields[name].to_json(values[name]) for name in spec.fields if name in values}
            )
            for database in databases:
                wire, python = runner.run(through(database, {**system, **values}))
                assert orjson.dumps({k: v for k, v in orjson.loads(wire).items() if k in values}) == expected
                assert {k: v for k, v in python.items() if k in values} == values
                # What we answer is accepted again, and means the same.
                again = validated(spec, "create", {k: v for k, v in orjson.loads(wire).items() if k in values})
                assert again == values

        try:
            agree()
        finally:
            runner.run(stack.aclose())
