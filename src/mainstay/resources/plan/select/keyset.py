"""Keyset pages: an ORDER BY that both databases read alike, and the condition for what comes after a place in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import ColumnElement, and_, bindparam, false, or_, tuple_

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


def beyond(keys: Sequence[Key], nulls: Sequence[bool]) -> ColumnElement[bool]:
    """The rows after the place whose values are bound; `nulls` tells which of those values are NULL.

    The place itself and everything before it are left out, also where rows share values of leading keys.
    """
    binds = [bindparam(cursor_bind(index), type_=key.type) for index, key in enumerate(keys)]
    one_way = len({key.descending for key in keys}) == 1
    if one_way and not any(key.nullable for key in keys):
        here, there = _row([key.column for key in keys]), _row(binds)
        whole: ColumnElement[bool] = here < there if keys[0].descending else here > there
        return whole
    rest: ColumnElement[bool] | None = None
    for key, bind, is_null in reversed(list(zip(keys, binds, nulls, strict=True))):
        same = key.column.is_(None) if is_null else key.column == bind
        after = _after(key, bind, is_null)
        rest = after if rest is None else or_(after, and_(same, rest))
    if rest is None:
        raise ValueError("An order has at least one key.")
    first, bind = keys[0], binds[0]
    if not nulls[0] and not first.descending:
        # Implied by the rest; on its own it is what an index range can start from.
        rest = and_(first.column >= bind, rest)
    elif not nulls[0] and not first.nullable:
        rest = and_(first.column <= bind, rest)
    return rest


def _row(columns: Sequence[Any]) -> Any:
    return columns[0] if len(columns) == 1 else tuple_(*columns)


def _after(key: Key, bind: Any, is_null: bool) -> ColumnElement[bool]:
    if is_null:
        return false() if key.descending else key.column.is_not(None)
    if not key.descending:
        return cast("ColumnElement[bool]", key.column > bind)
    smaller: ColumnElement[bool] = key.column < bind
    return or_(smaller, key.column.is_(None)) if key.nullable else smaller
