"""Which kind and which column type an annotation or an existing column stands for."""

import types
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from typing import Any, Union, get_args, get_origin
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.types import TypeEngine

from mainstay.model.types.document import Document, Items
from mainstay.model.types.kind import Kind
from mainstay.model.types.moment import Day, Moment, TimeOfDay
from mainstay.model.types.number import Boolean, DecimalNumber, Float, Integer
from mainstay.model.types.text import Enumeration, Text, Uuid
from mainstay.storage import types as stored

_PLAIN: dict[Any, tuple[type[Kind], type[TypeEngine[Any]]]] = {
    str: (Text, stored.Text8),
    int: (Integer, stored.Integer64),
    float: (Float, stored.Double),
    bool: (Boolean, stored.Boolean),
    datetime: (Moment, stored.UtcDateTime),
    date: (Day, stored.IsoDate),
    time: (TimeOfDay, stored.IsoTime),
    UUID: (Uuid, stored.UuidText),
}


def without_none(annotation: Any) -> tuple[Any, bool]:
    """The annotation without `| None`, and whether it had it."""
    if get_origin(annotation) in (Union, types.UnionType):
        rest = [part for part in get_args(annotation) if part is not type(None)]
        if len(rest) == 1:
            return rest[0], len(rest) < len(get_args(annotation))
    return annotation, False


def kind_of_annotation(
    annotation: Any, digits: int, places: int, round_to: int | None
) -> tuple[Kind, TypeEngine[Any]] | None:
    """The kind and the column type of an annotation without `| None`; None for one that no field can hold."""
    if annotation in (dict, Any) or get_origin(annotation) is dict:
        return Document(object_only=annotation is not Any), stored.JsonText()
    if annotation is list or get_origin(annotation) is list:
        item = get_args(annotation)[0] if get_args(annotation) else Any
        found = kind_of_annotation(item, digits, places, None)
        return None if found is None else (Items(found[0]), stored.ListText())
    if annotation is Decimal:
        return DecimalNumber(digits, places, round_to), stored.ScaledDecimal(digits, places)
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        if not all(isinstance(member.value, str) for member in annotation):
            return None
        return Enumeration(annotation), stored.EnumText(annotation)
    if annotation in _PLAIN:
        kind, column_type = _PLAIN[annotation]
        return kind(), column_type()
    return None


def kind_of_column(column_type: TypeEngine[Any]) -> Kind | None:
    """The kind of an existing column, ours or SQLAlchemy's own; None for one that JSON cannot carry."""
    match column_type:
        case stored.ScaledDecimal():
            return DecimalNumber(column_type.digits, column_type.places)
        case stored.EnumText():
            return Enumeration(column_type.enum)
        case stored.ListText():
            return Items(Document(object_only=False))
        case stored.JsonText():
            return Document(object_only=False)
    for kind, ours in _PLAIN.values():
        if isinstance(column_type, ours):
            return kind()
    return _kind_of_foreign(column_type)


def _kind_of_foreign(column_type: TypeEngine[Any]) -> Kind | None:
    match column_type:
        case sa.Enum():
            members = column_type.enum_class
            if members is None:
                return Text()
            return Enumeration(members) if all(isinstance(member.value, str) for member in members) else None
        case sa.String():
            return Text()
        case sa.Boolean():
            return Boolean()
        case sa.SmallInteger():
            return Integer(16)
        case sa.BigInteger():
            return Integer(64)
        case sa.Integer():
            return Integer(32)
        case sa.Float():
            return Float()
        case sa.Numeric():
            return DecimalNumber(min(column_type.precision or 18, 18), column_type.scale or 4)
        case sa.DateTime():
            return Moment()
        case sa.Date():
            return Day()
        case sa.Time():
            return TimeOfDay()
        case sa.Uuid():
            return Uuid()
        case sa.JSON():
            return Document(object_only=False)
    return None
