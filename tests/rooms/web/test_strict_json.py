"""What the JSON reader accepts, and what it refuses."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mainstay.base.errors import MalformedBody
from mainstay.web import parse_json

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))
values = st.recursive(
    st.none() | st.booleans() | st.integers() | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=20,
)


@given(values, st.booleans())
def test_every_json_value_comes_back_as_it_was(value: Any, spaced: bool) -> None:
    text = json.dumps(value, ensure_ascii=spaced, indent=1 if spaced else None)
    assert parse_json(text.encode()) == value


@pytest.mark.parametrize(
    "body",
    [
        b'{"a": 1, "a": 2}',
        b'{"a" : 1, "a":2}',
        b'{"x": {"a": 1, "a": 2}}',
        b'[{"a": ":", "a": ":"}]',
        b'{"\\u0061": 1, "a": 2}',
    ],
)
def test_a_name_that_stands_twice_in_one_object_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedBody) as refused:
        parse_json(body)
    assert refused.value.problem_code == "duplicate_name"


@pytest.mark.parametrize("body", [b'"a\\u0000"', b'{"\\u0000": 1}', b'[["\\u0000"]]'])
def test_a_nul_character_is_refused_wherever_it_hides(body: bytes) -> None:
    with pytest.raises(MalformedBody) as refused:
        parse_json(body)
    assert refused.value.problem_code == "nul_character"


def test_an_escaped_backslash_before_u0000_is_text() -> None:
    assert parse_json(b'"\\\\u0000"') == "\\u0000"


@pytest.mark.parametrize(
    "body",
    [
        b"NaN",
        b"[Infinity]",
        b"1e999",
        b'"\\ud800"',
        b'"\xed\xa0\x80"',
        b'"\xff"',
        b"",
        b"{",
        b"{'a': 1}",
        b"\xef\xbb\xbf1",
    ],
)
def test_what_is_not_json_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedBody):
        parse_json(body)


@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_nesting_is_taken_to_64_levels_and_no_further(opening: bytes, closing: bytes) -> None:
    inner = b"[]" if opening == b"[" else b"{}"
    parse_json(opening * 63 + inner + closing * 63)
    with pytest.raises(MalformedBody):
        parse_json(opening * 64 + inner + closing * 64)


def test_numbers_keep_the_value_that_was_sent() -> None:
    assert parse_json(b"18446744073709551617") == 18446744073709551617
    assert parse_json(b"[12345678901234.5678]") == [Decimal("12345678901234.5678")]
    assert parse_json(b'{"a": 0.1}') == {"a": 0.1}


def test_a_refusal_never_quotes_the_body() -> None:
    with pytest.raises(MalformedBody) as refused:
        parse_json(b'{"password": hunter2}')
    assert "hunter2" not in str(refused.value)
