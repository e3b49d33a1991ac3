"""Keyset pages: an ORDER BY that both databases read alike, and the condition for what comes after a place in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import ColumnElement, and_, bindparam, tuple_

from mainstay.resources.plan.select.face import Face
from mainstay.resources.plan.select.sources import Source
from mainstay.resources.query import Order
from mainstay.storage.sql import nulls_smallest


@dataclass(frozen=True, slots=True)
class Key:
    """One sort key in a statement."""

    name: str
    column: ColumnElement[Any]
    type: Any
    descending: bool
    nullable: bool

    def flipped(self) -> "Key":
        return Key(self.name, self.column, self.type, not self.descending, self.nullable)


def seen_order(source: Source, order: Sequence[Order]) -> list[Order]:
    """The sort keys without those that are hidden from the caller: they would tell what is in them."""
    return [each for each in order if each.field == source.spec.key.name or not source.lens.hides(each.field)]


def unseen(source: Source, order: Sequence[Order]) -> bytes:
    """What a cursor is bound to besides its query: a place holds no value of a sort key hidden from its caller."""
    if not source.lens.masks.hidden:
        return b""
    seen = seen_order(source, order)
    return "".join(f" without {each.field}" for each in order if each not in seen).encode()


def keys_of(source: Source, order: Sequence[Order], *, backward: bool) -> list[Key]:
    """The sort keys as columns; going backward, every direction is turned round."""
    found = []
    for each in order:
        is_key = each.field == source.spec.key.name
        column = source.stored(each.field) if is_key else source.column(each.field)
        column_type = source.spec.fields[each.field].column.type
        key = Key(each.field, column, column_type, each.descending, not is_key and source.nullable(each.field))
        found.append(key.flipped() if backward else key)
    return found


def places_of(face: Face, order: Sequence[Order]) -> list[int]:
    """Where a row of this face holds its sort values."""
    key = face.spec.key.name
    return [face.stored(each.field) if each.field == key else face.field(each.field) for each in order]


def order_by(keys: Sequence[Key]) -> list[ColumnElement[Any]]:
    """NULL is the smallest value on both databases; only keys that can be NULL need to say so."""
    terms = []
    for key in keys:
        term = key.column.desc() if key.descending else key.column.asc()
        terms.append(nulls_smallest(term) if key.nullable else term)
    return terms


def cursor_bind(index: int) -> str:
    """The bind that carries the cursor's value of the sort key at this place."""
    return f"cursor_{index}"


def arms(keys: Sequence[Key], nulls: Sequence[bool]) -> list[ColumnElement[bool]]:
    """The rows after the place whose values are bound, in parts: each is one range of an index over these keys, and
    one after the other they are in order. `nulls` tells which of the place's values are NULL.

    No condition over all of them would do: an index is entered at one place, and where directions differ or NULLs
    come last, what follows a row lies in several ranges. The place itself and everything before it are left out, also
    where rows share values of leading keys.
    """
    binds = [bindparam(cursor_bind(index), type_=key.type) for index, key in enumerate(keys)]
    found: list[list[ColumnElement[bool]]] = []
    # The last keys, for as long as one comparison of rows serves them all: these neighbours, or None.
    run: list[int] | None = []
    for index in range(len(keys) - 1, -1, -1):
        key, is_null = keys[index], nulls[index]
        if run is not None and not is_null and (not run or key.descending is keys[run[0]].descending):
            run = [index, *run]
            found = [[_further(keys, binds, run)]]
        else:
            same = key.column.is_(None) if is_null else key.column == binds[index]
            found = [[same, *arm] for arm in found]
            if not is_null:
                found.append([_further(keys, binds, [index])])
            elif not key.descending:
                found.append([key.column.is_not(None)])
            run = None
        if key.descending and key.nullable and not is_null:
            found.append([key.column.is_(None)])
            run = None
    return [and_(*arm) for arm in found]


def _further(keys: Sequence[Key], binds: Sequence[Any], run: Sequence[int]) -> ColumnElement[bool]:
    """These keys, which all go one way, are beyond the place. No row with a NULL among what decides is."""
    here, there = (_row([one[index] for index in run]) for one in ([key.column for key in keys], binds))
    return cast("ColumnElement[bool]", here < there if keys[run[0]].descending else here > there)


def _row(columns: Sequence[Any]) -> Any:
    return columns[0] if len(columns) == 1 else tuple_(*columns)
