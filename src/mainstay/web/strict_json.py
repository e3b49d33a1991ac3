"""JSON without the corners where two readers disagree (RFC 8259, RFC 7493)."""

import json
import math
import re
from decimal import Decimal
from typing import Any, NoReturn

import orjson

from mainstay.base.errors import MalformedBody

DEEPEST = 64

_KEY = re.compile(rb'"[ \t\r\n]*:')
# Sixteen digits are more than a double is sure to hold.
_LONG_NUMBER = re.compile(rb"[0-9][0-9.]{15}")
_OPENINGS = (b"{", b"[")


def parse_json(body: bytes) -> Any:
    """The value, or MalformedBody: also for NaN, NUL, lone surrogates, duplicate keys, and nesting beyond 64.

    Numbers keep their value: integers of any size are ints, fractions that a double would round are Decimals.
    """
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise MalformedBody(_sentence(error)) from None
    # A parse is cheap and a walk is dear: each check below first asks the bytes whether the walk can be left out.
    openings = body.count(b"{") + body.count(b"[")
    flat = len(value) if isinstance(value, dict) else 0
    pairs = _measure(value) if openings > 1 else flat
    again = b"\\u0000" in body or _LONG_NUMBER.search(body) is not None
    # Every pair has one colon, and one `":`; the counts exceed the pairs only by what stands inside strings.
    if not again and body.count(b":") != pairs:
        again = len(_KEY.findall(body)) != pairs
    return _carefully(body) if again else value


def _measure(value: Any) -> int:
    """How many object members there are in all. Raises MalformedBody beyond the deepest nesting allowed."""
    pairs, level = 0, [value]
    for _ in range(DEEPEST):
        below: list[Any] = []
        for node in level:
            if type(node) is dict:
                pairs += len(node)
                below.extend(child for child in node.values() if type(child) is dict or type(child) is list)
            elif type(node) is list:
                below.extend(child for child in node if type(child) is dict or type(child) is list)
        if not below:
            return pairs
        level = below
    raise MalformedBody(f"The body is nested more than {DEEPEST} levels deep.", code="too_deep")


def _carefully(body: bytes) -> Any:
    """The same value again, slowly, with each name and number looked at."""
    try:
        value = json.loads(
            body.decode(), object_pairs_hook=_members, parse_float=_fraction, parse_constant=_no_constant
        )
    except MalformedBody:
        raise
    except ValueError:
        raise MalformedBody("The body is not JSON: a number has too many digits.") from None
    if b"\\u0000" in body:
        _refuse_nul(value)
    return value


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        seen: set[str] = set()
        name = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]  # set.add answers None
        raise MalformedBody(f"The name {name[:60]!r} stands twice in one object.", code="duplicate_name")
    return members


def _fraction(text: str) -> float | Decimal:
    number = float(text)
    if math.isinf(number):
        raise MalformedBody("The body is not JSON: a number is too large.")
    exact = Decimal(text)
    return number if Decimal(repr(number)) == exact else exact


def _no_constant(_: str) -> NoReturn:
    raise MalformedBody("The body is not JSON: NaN and Infinity are no numbers.")


def _refuse_nul(value: Any) -> None:
    nodes = [value]
    while nodes:
        node = nodes.pop()
        if isinstance(node, dict):
            nodes.extend(node)
            nodes.extend(node.values())
        elif isinstance(node, list):
            nodes.extend(node)
        elif isinstance(node, str) and "\x00" in node:
            raise MalformedBody("The body holds a NUL character, which no field can store.", code="nul_character")


def _sentence(error: orjson.JSONDecodeError) -> str:
    # orjson's message holds a position and no part of the body.
    return f"The body is not JSON: {error.msg[:1].lower()}{error.msg[1:]} at line {error.lineno}, column {error.colno}."
