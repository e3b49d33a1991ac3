"""A page whose JSON SQLite itself puts together: one value for all its rows, not one for each field of each."""

from collections.abc import Callable, Sequence
from typing import Any

import orjson
from sqlalchemy import ColumnElement, LargeBinary, Select, Text, case, cast, func, literal_column, null, select
from sqlalchemy.sql.functions import Function

from mainstay.model.spec import FieldSpec
from mainstay.resources.plan.select.face import Face
from mainstay.resources.query import Order
from mainstay.storage.sql import quoted
from mainstay.storage.types import (
    Boolean,
    EnumText,
    Integer64,
    IsoDate,
    IsoTime,
    JsonText,
    ScaledDecimal,
    Text8,
    UtcDateTime,
    UuidText,
)

Spelling = Callable[[ColumnElement[Any], Any], list[ColumnElement[Any]]]
# JSON writes control characters as escapes, so this one stands between rows and never inside them.
SEPARATOR = b"\x1e"
_QUOTE = '"'
# SQLite's functions take 127 arguments.
_MOST_FIELDS = 40
# Kinds whose stored form is their JSON form: what a cursor holds can be read back from the row's own JSON.
_AS_STORED = (UuidText, UtcDateTime, IsoDate, IsoTime, EnumText, Text8, Integer64)


def packed_row(face: Face, order: Sequence[Order]) -> ColumnElement[Any] | None:
    """A row of this face as one JSON object.

    None where the JSON would not be, byte for byte, what the process makes of the rows, or where the place of a row
    cannot be read from it.
    """
    if face.dialect.name != "sqlite" or face.computed or not 0 < len(face.shown) <= _MOST_FIELDS:
        return None
    shown = {each.name for each in face.shown if each.column is not None}
    for key in order:
        kind = face.spec.fields[key.field].column.type
        if key.field not in shown or type(kind) not in _AS_STORED or face.source.lens.masked(key.field):
            return None
    pieces: list[ColumnElement[Any] | str] = []
    for number, each in enumerate(face.shown):
        pieces.append(("," if number else "{") + orjson.dumps(each.name).decode() + ":")
        if each.column is None:
            pieces.append("null")
            continue
        written = _written(face.columns[each.column], face.spec.fields.get(each.name), nullable=each.nullable)
        if written is None:
            return None
        pieces += written
    return _concatenated([*pieces, "}"]).label("packed")


def as_one_value(page: Select[Any]) -> Select[Any]:
    """The statement of one page (a packed row each, in order) as one that answers a single row: a BLOB, its rows
    with SEPARATOR between them (NULL where there are none), and how many they are.
    """
    row = page.subquery("page")
    joined = cast(Function("group_concat", row.c.packed, func.char(literal_column("30"))), LargeBinary)
    columns: list[ColumnElement[Any]] = [joined, func.count(literal_column("*"))]
    return select(*columns)


def unpack(found: Sequence[Sequence[bytes | None]]) -> list[bytes]:
    """The rows of a packed page, each a JSON object."""
    page = found[0][0]
    return [] if page is None else page.split(SEPARATOR)


def place_in_json(order: Sequence[Order]) -> Callable[[bytes], list[Any]]:
    """A function from a packed row to its place: the sort values, JSON-ready."""
    names = [each.field for each in order]

    def place(row: bytes) -> list[Any]:
        values = orjson.loads(row)
        return [values[name] for name in names]

    return place


def _written(column: ColumnElement[Any], field: FieldSpec | None, *, nullable: bool) -> list[Any] | None:
    """The pieces of a value's JSON; None for a type that SQLite spells in another way than we do."""
    kind = Integer64() if field is None else field.column.type
    if type(kind) in (UuidText, UtcDateTime, IsoDate, IsoTime) or _plain_enum(kind):
        # Written by us alone, in characters that JSON leaves as they are.
        if nullable:
            return [func.coalesce(quoted(_QUOTE).op("||")(column).op("||")(quoted(_QUOTE)), quoted("null"))]
        return [_QUOTE, column, _QUOTE]
    if isinstance(kind, Text8 | EnumText):
        return [func.json_quote(column)]
    if isinstance(kind, Integer64 | JsonText):
        return [func.coalesce(column, quoted("null"))] if nullable else [column]
    if isinstance(kind, Boolean):
        written: ColumnElement[Any] = func.iif(column.op("=")(literal_column("1")), quoted("true"), quoted("false"))
    elif isinstance(kind, ScaledDecimal):
        written = _decimal(column, kind.places)
    else:
        return None
    return [case((column.is_(null()), quoted("null")), else_=written) if nullable else written]


def _decimal(column: ColumnElement[Any], places: int) -> ColumnElement[Any]:
    if places == 0:
        return func.printf(quoted('"%d"'), column)
    unit: ColumnElement[Any] = literal_column(str(10**places))
    sign = func.iif(column.op("<")(literal_column("0")), quoted("-"), quoted(""))
    whole, rest = func.abs(column).op("/")(unit), func.abs(column).op("%")(unit)
    return func.printf(quoted(f'"%s%d.%0{places}d"'), sign, whole, rest)


def _plain_enum(kind: Any) -> bool:
    return isinstance(kind, EnumText) and all(
        orjson.dumps(value) == f'"{value}"'.encode() and value.isascii() for value in kind.values
    )


def _concatenated(pieces: Sequence[ColumnElement[Any] | str]) -> ColumnElement[Any]:
    """`concat()` of columns and texts, neighbouring texts made one."""
    merged: list[ColumnElement[Any]] = []
    text = ""
    for piece in pieces:
        if isinstance(piece, str):
            text += piece
            continue
        if text:
            merged.append(quoted(text))
            text = ""
        merged.append(piece)
    if text:
        merged.append(quoted(text))
    return Function("concat", *merged, type_=Text())
