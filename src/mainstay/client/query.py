"""Parameters of a list as they are written in a URL."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

Value = str | int | float | bool | Decimal | date | datetime | UUID | None
Query = Mapping[str, Value | Sequence[Value]]


def pairs(query: Query) -> list[tuple[str, str]]:
    """Lists become one CSV record, which is how the server reads them. `price__lte` is written as `price.lte`."""
    found = []
    for name, value in query.items():
        many = isinstance(value, Sequence) and not isinstance(value, str)
        text = ",".join(map(_quoted, value)) if many else _text(value)  # type: ignore[arg-type]  # one or many, as found
        found.append((name.replace("__", "."), text))
    return found


def _text(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "null"
    return value.isoformat() if isinstance(value, date) else str(value)


def _quoted(value: Value) -> str:
    text = _text(value)
    return '"' + text.replace('"', '""') + '"' if text == "" or any(mark in text for mark in ',"\r\n') else text
