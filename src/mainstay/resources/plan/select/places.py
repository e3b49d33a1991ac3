"""A row's place in an order, as JSON for a cursor and back as the driver's values."""

from collections.abc import Callable, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from mainstay.base.errors import CursorRefused
from mainstay.model.spec import FieldSpec

# PostgreSQL's driver takes Python values where SQLite's stores text and numbers, which are JSON already.
_READ: dict[str, Callable[[Any], Any]] = {
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
    "time": time.fromisoformat,
    "decimal": Decimal,
}


def place_writer(fields: Sequence[FieldSpec], columns: Sequence[int], dialect: str) -> Callable[[Any], list[Any]]:
    """A function from a row to its place: the sort values in `columns`, JSON-ready."""
    if dialect != "sqlite" and any(field.kind == "decimal" for field in fields):
        return lambda row: [str(row[c]) if isinstance(row[c], Decimal) else row[c] for c in columns]
    picked = tuple(columns)
    return lambda row: [row[column] for column in picked]


def place_reader(fields: Sequence[FieldSpec], dialect: str) -> Callable[[list[Any]], list[Any]]:
    """A function from a cursor's values to what the driver binds."""
    readers = [None if dialect == "sqlite" else _READ.get(field.kind) for field in fields]

    def read(values: list[Any]) -> list[Any]:
        if len(values) != len(readers):
            raise CursorRefused("This cursor does not belong to this query. Start again without it.")
        return [v if v is None or r is None else r(v) for v, r in zip(values, readers, strict=True)]

    return read
