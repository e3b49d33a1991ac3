"""Values are kept as data: what comes back is equal, is a copy, and can run nothing."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, SecretStr
from typing_extensions import TypedDict

from mainstay.cache import NotCacheable
from mainstay.cache.codec import Codec
from tests.rooms.cache.test_keys import same

PLAIN = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(st.characters(codec="utf-8")),
    st.binary(),
    st.uuids(),
    st.decimals(allow_nan=False),
    st.datetimes(timezones=st.sampled_from([UTC, None, ZoneInfo("Europe/Berlin")])),
    st.dates(),
    st.times(),
    st.timedeltas(),
)
HASHABLE = st.recursive(PLAIN, lambda below: st.tuples(below, below) | st.frozensets(below, max_size=3), max_leaves=6)
VALUES = st.recursive(
    HASHABLE, lambda below: st.lists(below, max_size=4) | st.dictionaries(HASHABLE, below, max_size=4), max_leaves=12
)


@settings(max_examples=80, deadline=None)
@given(VALUES)
def test_plain_values_come_back_the_same(value: Any) -> None:
    codec = Codec()
    assert same(codec.decode(codec.encode(value)), value)


def test_a_dict_that_looks_like_a_mark_is_a_dict() -> None:
    codec = Codec()
    for value in ({"$": ["Decimal", "1"]}, {"$": 1, "a": 2}, [{"$": ["tuple", [{"$": []}]]}]):
        assert codec.decode(codec.encode(value)) == value


class Colour(StrEnum):
    red = "red"


class Line(BaseModel):
    price: Decimal
    colour: Colour
    at: datetime


class Order(TypedDict):
    id: UUID
    lines: list[Line]


@dataclass
class Sum:
    total: Decimal
    days: tuple[date, ...]
    where: Path
    raw: bytes


def test_an_annotation_rebuilds_what_it_names() -> None:
    line = Line(price=Decimal("1.10"), colour=Colour.red, at=datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=1))))
    for returns, value in (
        (Order, {"id": UUID(int=1), "lines": [line]}),
        (dict[UUID, Line | None], {UUID(int=1): line, UUID(int=2): None}),
        (Sum, Sum(Decimal("0.10"), (date(2026, 1, 1),), Path("/a"), b"\xff\x00")),
        (time | None, None),
    ):
        codec = Codec(returns)
        assert codec.decode(codec.encode(value)) == value


@pytest.mark.parametrize(
    ("returns", "value", "says"),
    [
        (None, object(), "A object cannot be kept"),
        (None, Colour.red, "A Colour cannot be kept"),
        (int, "text", "cannot be kept as"),
        (SecretStr, SecretStr("a secret"), "A SecretStr cannot be kept"),
        (None, "\ud800", "A value cannot be kept"),
    ],
)
def test_what_cannot_be_kept_says_so(returns: Any, value: Any, says: str) -> None:
    with pytest.raises(NotCacheable, match=says):
        Codec(returns).encode(value)


@pytest.mark.parametrize(
    "data",
    [b"", b"p", b"p{", b'm{"$":["os.system","ls"]}', b'm{"$":["UUID","x"]}', b'm{"$":1}', b'm{"$":["dict",[1]]}'],
)
def test_bytes_of_others_are_refused_and_run_nothing(data: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  what is wrong with foreign bytes is nobody's concern
        Codec().decode(data)


def test_a_value_of_another_shape_is_refused() -> None:
    with pytest.raises(ValueError, match="price"):
        Codec(Line).decode(Codec().encode({"price": "x"}))
