"""Values as bytes and back: JSON, with marks for what JSON lacks. Nothing that is read can name a class or run code."""

import base64
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from ipaddress import IPv4Address, IPv6Address
from math import isfinite
from pathlib import PurePath
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson
from pydantic import AnyUrl, PydanticUserError, TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError, Url

from mainstay.cache.errors import NotCacheable

MARK = "$"
LARGEST = 1 << 53
# Whether marks have to be looked for when it is read.
_PLAIN, _MARKED = b"p", b"m"
_DEEPEST = 200


class Codec:
    """Writes and reads the values of one function.

    `returns` is its annotation: models, dataclasses, typed dicts and enums are rebuilt by it. Without one (or with
    Any) values are None, bool, int, float, str, bytes, Decimal, UUID, dates and times, and lists, tuples, sets and
    dicts of them.
    """

    def __init__(self, returns: Any = None) -> None:
        self._returns = returns
        self._adapter = None if returns in (None, Any, object) else _adapter(returns)

    def encode(self, value: Any) -> bytes:
        """The value as bytes. Raises NotCacheable."""
        if self._adapter is not None:
            try:
                value = self._adapter.dump_python(value, round_trip=True, by_alias=False, warnings="error")
            except PydanticSerializationError as error:
                raise NotCacheable(
                    f"A {type(value).__name__} cannot be kept as {self._returns}: {error}.",
                    fix="Return what the annotation says.",
                ) from error
        writer = _Writer(loose=self._adapter is not None)
        found = writer.written(value, 0)
        try:
            return (_MARKED if writer.marked else _PLAIN) + orjson.dumps(found)
        except TypeError as error:
            raise NotCacheable(f"A value cannot be kept: {error}.", fix="Return text that UTF-8 can write.") from error

    def decode(self, data: bytes) -> Any:
        """A fresh value. Raises ValueError for bytes that do not hold one of this kind."""
        found = orjson.loads(memoryview(data)[1:])
        value = _read(found) if data[:1] == _MARKED else found
        if self._adapter is None:
            return value
        try:
            return self._adapter.validate_python(value, by_alias=False, by_name=True)
        except ValidationError as error:
            raise ValueError(str(error)) from error

    def decode_own(self, data: bytes) -> Any:
        """The value of bytes that were written a moment ago. Raises NotCacheable where they can't be read back."""
        try:
            return self.decode(data)
        except ValueError as error:
            raise NotCacheable(
                f"A value of type {self._returns} cannot be read back: {error}.",
                fix="Let its validators take what the type itself writes.",
            ) from error


def _adapter(returns: Any) -> TypeAdapter[Any]:
    try:
        return TypeAdapter(returns)
    except PydanticUserError as error:
        raise NotCacheable(
            f"Values of type {returns} cannot be kept: {str(error).splitlines()[0]}.",
            fix="Return plain values, a dataclass or a model: dict(row) for a row.",
        ) from error


class _Writer:
    """Makes JSON of a value; `marked` says whether anything needed a mark. `loose`: an annotation will rebuild it."""

    def __init__(self, *, loose: bool) -> None:
        self._loose = loose
        self.marked = False

    def written(self, value: Any, depth: int) -> Any:
        """What orjson can write."""
        kind = type(value)
        if kind is str or kind is bool or value is None:
            return value
        if kind is int:
            return value if -LARGEST < value < LARGEST else self._mark("int", hex(value))
        if kind is float:
            return value if isfinite(value) else self._mark("float", str(value))
        if depth > _DEEPEST:
            raise NotCacheable("A value is nested too deep, or holds itself.", fix="Return a flat one.")
        if kind is list:
            return [self.written(each, depth + 1) for each in value]
        if kind is dict:
            return self._dict(value, depth + 1)
        return self._other(value, depth)

    def _dict(self, value: dict[Any, Any], depth: int) -> Any:
        if MARK not in value and all(type(key) is str for key in value):
            return {key: self.written(each, depth) for key, each in value.items()}
        pairs = [[self.written(key, depth), self.written(each, depth)] for key, each in value.items()]
        return self._mark("dict", pairs)

    def _other(self, value: Any, depth: int) -> Any:
        kind = type(value)
        if kind in (tuple, set, frozenset):
            return self._mark(kind.__name__, [self.written(each, depth + 1) for each in value])
        write = _WRITE.get(kind)
        if write is not None:
            return self._mark(kind.__name__, write(value))
        if isinstance(value, datetime) and kind is datetime:
            return self._mark(*_moment(value))
        if self._loose and isinstance(value, Enum):
            return self.written(value.value, depth + 1)
        if self._loose and isinstance(value, PurePath | IPv4Address | IPv6Address | AnyUrl | Url):
            return str(value)
        raise NotCacheable(
            f"A {kind.__qualname__} cannot be kept.",
            fix="Return plain values (dict(row) for a row), or annotate what the function returns.",
        )

    def _mark(self, name: str, content: Any) -> dict[str, Any]:
        self.marked = True
        return {MARK: [name, content]}


def _moment(value: datetime) -> tuple[str, Any]:
    # `fold` tells the two passes of the hour that is repeated in autumn apart.
    if isinstance(value.tzinfo, ZoneInfo) and value.tzinfo.key:
        return "zoned", [value.replace(tzinfo=None).isoformat(), value.fold, value.tzinfo.key]
    return "datetime", [value.isoformat(), value.fold]


_WRITE: dict[type, Callable[[Any], Any]] = {
    bytes: lambda value: base64.b85encode(value).decode(),
    Decimal: str,
    UUID: str,
    date: date.isoformat,
    time: lambda value: [value.isoformat(), value.fold],
    timedelta: lambda value: [value.days, value.seconds, value.microseconds],
}
_MAKE: dict[str, Callable[[Any], Any]] = {
    "int": lambda text: int(text, 16),
    "float": float,
    "bytes": base64.b85decode,
    "Decimal": Decimal,
    "UUID": UUID,
    "date": date.fromisoformat,
    "time": lambda parts: time.fromisoformat(parts[0]).replace(fold=parts[1]),
    "timedelta": lambda parts: timedelta(*parts),
    "datetime": lambda parts: datetime.fromisoformat(parts[0]).replace(fold=parts[1]),
    "zoned": lambda parts: datetime.fromisoformat(parts[0]).replace(fold=parts[1], tzinfo=ZoneInfo(parts[2])),
    "dict": dict,
    "tuple": tuple,
    "set": set,
    "frozenset": frozenset,
}


def _read(found: Any) -> Any:
    if type(found) is list:
        return [_read(each) for each in found]
    if type(found) is not dict:
        return found
    if MARK not in found:
        return {key: _read(each) for key, each in found.items()}
    try:
        name, content = found[MARK]
        return _MAKE[name](_read(content))
    except (KeyError, TypeError, ArithmeticError) as error:
        raise ValueError("this is no value that was written here") from error
