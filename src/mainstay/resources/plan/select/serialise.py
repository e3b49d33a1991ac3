"""Rows to JSON-ready objects by a function written for exactly these columns."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from xxhash import xxh3_64_hexdigest

from mainstay.storage.types import utc_text

Converter = Callable[[Any], Any]
Rows = Sequence[tuple[Any, ...]]
_OPTIONS = orjson.OPT_UTC_Z
# A 0 or 1 that stands for a boolean; text that is JSON already; a moment in UTC from the driver, which orjson writes
# as we do unless its microseconds are zero.
FLAG, FRAGMENT, MOMENT = "flag", "fragment", "moment"


@dataclass(frozen=True, slots=True)
class Shown:
    """One entry of an object: its name and the column it is read from (None: always null).

    `convert` turns the raw value (never None) into its JSON-ready form; None where the raw value already is it.
    A string stands for a conversion that is written into the function instead of called.
    """

    name: str
    column: int | None
    convert: Converter | str | None = None
    nullable: bool = True


def dumps(value: Any) -> bytes:
    """JSON as it is answered."""
    return orjson.dumps(value, option=_OPTIONS)


def body_tag(body: bytes) -> str:
    """What stands for these bytes in an entity tag. Not a matter of security: nobody gains by a clash."""
    return xxh3_64_hexdigest(body)


def rows_to_objects(shown: Sequence[Shown], width: int) -> Callable[[Rows], list[dict[str, Any]]]:
    """A function from rows of `width` columns to objects.

    It is generated: unpacking a row into locals and building the dict in one display is about twice as fast as any
    loop over the entries.
    """
    needed = {each.column for each in shown if each.column is not None}
    names = [f"v{index}" if index in needed else "_" for index in range(width)]
    space: dict[str, Any] = {"fragment": orjson.Fragment, "moment": utc_text}
    entries = []
    for number, each in enumerate(shown):
        entries.append(f"{each.name!r}: {_expression(each, number, space)}")
    target = f"({', '.join(names)},)" if width else "_"
    source = f"def objects(rows):\n    return [{{{', '.join(entries)}}} for {target} in rows]\n"
    exec(compile(source, "<mainstay plan>", "exec"), space)  # noqa: S102  # names are repr()ed, nothing else is a caller's
    made: Callable[[Rows], list[dict[str, Any]]] = space["objects"]
    return made


def _expression(each: Shown, number: int, space: dict[str, Any]) -> str:
    if each.column is None:
        return "None"
    value = f"v{each.column}"
    if each.convert is None:
        return value
    if each.convert == FLAG:
        made = f"{value} == 1"
    elif each.convert == FRAGMENT:
        made = f"fragment({value})"
    elif each.convert == MOMENT:
        made = f"({value} if {value}.microsecond else moment({value}))"
    else:
        space[f"c{number}"] = each.convert
        made = f"c{number}({value})"
    return f"({made} if {value} is not None else None)" if each.nullable else made


def rows_to_values(readers: Sequence[tuple[str, int, Converter | None]]) -> Callable[[tuple[Any, ...]], dict[str, Any]]:
    """A function from one row to canonical Python values by field name."""
    entries: list[str] = []
    space: dict[str, Any] = {}
    for number, (name, column, read) in enumerate(readers):
        if read is None:
            entries.append(f"{name!r}: row[{column}]")
        else:
            space[f"r{number}"] = read
            entries.append(f"{name!r}: None if row[{column}] is None else r{number}(row[{column}])")
    return _mapping("row", entries, space)


def values_to_binds(binders: Sequence[tuple[str, str, Converter | None]]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """A function from canonical values by name to others by another: (name, new name, conversion), None kept."""
    entries: list[str] = []
    space: dict[str, Any] = {}
    for number, (name, bind, convert) in enumerate(binders):
        if convert is None:
            entries.append(f"{bind!r}: row[{name!r}]")
        else:
            space[f"r{number}"] = convert
            entries.append(f"{bind!r}: None if row[{name!r}] is None else r{number}(row[{name!r}])")
    return _mapping("row", entries, space)


def _mapping(argument: str, entries: Sequence[str], space: dict[str, Any]) -> Callable[[Any], dict[str, Any]]:
    source = f"def mapping({argument}):\n    return {{{', '.join(entries)}}}\n"
    exec(compile(source, "<mainstay plan>", "exec"), space)  # noqa: S102  names are repr()ed, nothing else is put in
    made: Callable[[Any], dict[str, Any]] = space["mapping"]
    return made
