"""Keys are canonical: equal names are equal keys, whatever way they were written, and different ones never meet."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum, StrEnum
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from mainstay.base.errors import ConfigurationError
from mainstay.cache.naming.keys import canonical, digest
from tests.rooms.cache.callers import caller

PLAIN = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(),
    st.binary(),
    st.uuids(),
    st.decimals(allow_nan=False),
    st.datetimes(),
    st.dates(),
    st.timedeltas(),
)
HASHABLE = st.recursive(PLAIN, lambda below: st.tuples(below, below) | st.frozensets(below, max_size=3), max_leaves=6)
VALUES = st.recursive(
    HASHABLE, lambda below: st.lists(below, max_size=4) | st.dictionaries(HASHABLE, below, max_size=4), max_leaves=12
)


def same(one: Any, other: Any) -> bool:
    """Equal, with types that count, and without the order of dicts and sets."""
    if type(one) is not type(other):
        return False
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(same(a, b) for a, b in zip(one, other, strict=True))
    if isinstance(one, dict):
        return len(one) == len(other) and all(
            any(same(key, k) and same(value, v) for k, v in other.items()) for key, value in one.items()
        )
    if isinstance(one, frozenset):
        return len(one) == len(other) and all(any(same(a, b) for b in other) for a in one)
    return repr(one) == repr(other)


@settings(max_examples=80, deadline=None)
@given(VALUES, VALUES)
def test_two_values_have_one_key_exactly_when_they_are_the_same(one: Any, other: Any) -> None:
    assert (canonical(one) == canonical(other)) == same(one, other)


@settings(max_examples=30, deadline=None)
@given(st.dictionaries(HASHABLE, VALUES, max_size=5), st.randoms())
def test_the_order_of_a_dict_does_not_count(value: dict[Any, Any], random: Any) -> None:
    pairs = list(value.items())
    random.shuffle(pairs)
    assert canonical(dict(pairs)) == canonical(value)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text(), min_size=1, max_size=4), st.lists(st.text(), min_size=1, max_size=4))
def test_no_text_can_look_like_the_border_between_two(one: list[str], other: list[str]) -> None:
    assert (digest(*one) == digest(*other)) == (one == other)


def test_types_count() -> None:
    kinds = [1, 1.0, True, "1", b"1", Decimal(1), Decimal("1.0"), [1], (1,), {1}, {1: 1}, None, 0, -0.0, 0.0, ""]
    assert len({digest(each) for each in kinds}) == len(kinds)


def test_one_moment_in_two_zones_is_two_keys() -> None:
    noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    assert digest(noon) != digest(noon.astimezone(timezone(timedelta(hours=2))))
    assert digest(noon) != digest(noon.replace(tzinfo=None))


class Colour(StrEnum):
    red = "red"


class Other(Enum):
    red = "red"


class Point(NamedTuple):
    x: int


@dataclass
class Spot:
    x: int


class Place(BaseModel):
    x: int


class Place2(BaseModel):
    x: int


class Session:
    pass


class Told:
    def __cache_key__(self) -> Any:
        return ("told", 1)


def test_objects_are_told_apart_by_class_and_content() -> None:
    kinds = [Colour.red, Other.red, "red", Point(1), (1,), Spot(1), Place(x=1), Place2(x=1), Place(x=2), Path("red")]
    assert len({digest(each) for each in kinds}) == len(kinds)
    assert digest(Place(x=1)) == digest(Place(x=1))
    assert digest(Told()) == digest(Told())


def test_a_request_id_is_no_part_of_a_caller() -> None:
    one = caller()
    assert digest(one) == digest(type(one)(one.actor, one.scope, "another request"))


def test_what_has_no_canonical_form_is_refused_with_what_to_do() -> None:
    with pytest.raises(
        ConfigurationError,
        match=re.escape('Session cannot be part of a cache key. Leave the argument out, ignore=("name",)'),
    ):
        digest(Session())
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(ConfigurationError, match="nested over 64 levels"):
        digest(endless)


def test_keys_are_the_same_in_every_process() -> None:
    assert digest("a", 1, UUID(int=5), {"b": [1.5, None]}) == "fbf622f960cc70c4080fa3775ddea8b936e6e8a5"
