"""The pattern of a decimal field matches exactly the strings inside its bounds."""

import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mainstay.resources.openapi.decimals import decimal_pattern

scaled = st.integers(-99_999, 99_999)


@st.composite
def spellings(draw: st.DrawFn) -> str:
    whole = draw(st.integers(0, 12_000))
    part = draw(st.text("0123456789", max_size=3))
    return draw(st.sampled_from(["", "-"])) + str(whole) + (f".{part}" if part else "")


@given(
    low=scaled, high=scaled, open_low=st.booleans(), open_high=st.booleans(), places=st.integers(0, 3), text=spellings()
)
def test_a_decimal_string_matches_exactly_when_its_value_is_within_the_bounds(
    low: int, high: int, open_low: bool, open_high: bool, places: int, text: str
) -> None:
    smallest, largest = Decimal(min(low, high)) / 100, Decimal(max(low, high) + 200) / 100
    pattern = decimal_pattern(
        6,
        places,
        gt=smallest if open_low else None,
        ge=None if open_low else smallest,
        lt=largest if open_high else None,
        le=None if open_high else largest,
    )
    value = Decimal(text)
    if text.startswith("-") and value == 0:
        return  # "-0" may be spelled or not: nobody depends on it
    exponent = -int(value.as_tuple().exponent)
    inside = (value > smallest if open_low else value >= smallest) and (
        value < largest if open_high else value <= largest
    )
    fits = exponent <= places and abs(value) * 10**places < 10**6
    assert bool(re.fullmatch(pattern, text)) == (inside and fits)


@pytest.mark.parametrize("text", ["", ".", "1.", ".5", "+1", "01", "1e3", "NaN", " 1", "1_0"])
def test_other_spellings_do_not_match(text: str) -> None:
    assert not re.fullmatch(decimal_pattern(18, 4), text)
