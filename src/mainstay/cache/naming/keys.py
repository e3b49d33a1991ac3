"""Keys: whatever names a value, in one canonical form. Equal names give equal keys, different ones different keys."""

import hashlib
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from mainstay.base.context import Caller
from mainstay.base.errors import ConfigurationError

DEEPEST = 64


def digest(*parts: Any) -> str:
    """40 hexadecimal digits that stand for the parts. Raises ConfigurationError for what has no canonical form.

    Types count: 1, 1.0, True and "1" differ. Dicts and sets have no order; lists and tuples differ. Dataclasses,
    pydantic models, named tuples and enum members are told apart by class. Anything else says what counts of it in a
    method `__cache_key__()`.
    """
    return hashlib.blake2b(canonical(parts), digest_size=20).hexdigest()


def canonical(value: Any) -> bytes:
    """The value as bytes, one to one."""
    return _bytes_of(value, 0)


def _framed(mark: bytes, content: bytes) -> bytes:
    return b"%s%d:%s" % (mark, len(content), content)


def _text(mark: bytes) -> Callable[[Any], bytes]:
    return lambda value: _framed(mark, str(value).encode("utf-8", "surrogatepass"))


def _moment(value: datetime) -> bytes:
    # Two moments that are equal but written in different zones may be printed differently: they differ here too.
    return _framed(b"D", f"{value.isoformat()}/{value.fold}/{value.tzinfo}".encode())


_PLAIN: dict[type, Callable[[Any], bytes]] = {
    type(None): lambda _: b"n",
    bool: lambda value: b"t" if value else b"f",
    int: lambda value: _framed(b"i", b"%x" % value if value >= 0 else b"-%x" % -value),
    float: lambda value: _framed(b"r", value.hex().encode()),
    str: lambda value: _framed(b"s", value.encode("utf-8", "surrogatepass")),
    bytes: lambda value: _framed(b"b", value),
    UUID: lambda value: _framed(b"u", value.bytes),
    # Its parts, not its text: contexts print it differently, and 1.0 is not 1.00 where it is shown.
    Decimal: lambda value: _framed(b"d", repr(value.as_tuple()).encode()),
    datetime: _moment,
    date: _text(b"a"),
    time: lambda value: _framed(b"m", f"{value.isoformat()}/{value.fold}/{value.tzinfo}".encode()),
    timedelta: lambda value: _framed(b"e", b"%d/%d/%d" % (value.days, value.seconds, value.microseconds)),
}


def _bytes_of(value: Any, depth: int) -> bytes:
    plain = _PLAIN.get(type(value))
    if plain is not None:
        return plain(value)
    if depth > DEEPEST:
        raise ConfigurationError(
            f"A cached function was given an argument nested over {DEEPEST} levels deep.",
            fix="Name what counts of it: key=lambda …: …",
        )
    below = depth + 1
    if type(value) in (list, tuple):
        return _framed(b"l" if type(value) is list else b"p", b"".join(_bytes_of(each, below) for each in value))
    if type(value) is dict:
        pairs = sorted(_bytes_of(key, below) + _bytes_of(each, below) for key, each in value.items())
        return _framed(b"c", b"".join(pairs))
    if type(value) in (set, frozenset):
        return _framed(b"h", b"".join(sorted(_bytes_of(each, below) for each in value)))
    return _object(value, below)


def _object(value: Any, depth: int) -> bytes:
    kind = type(value)
    name = f"{kind.__module__}.{kind.__qualname__}".encode()
    if callable(own := getattr(kind, "__cache_key__", None)):
        content = _bytes_of(own(value), depth)
    elif isinstance(value, Enum):
        content = _bytes_of(value.name or value.value, depth)
    elif kind is Caller:
        # The request's id is not part of who it is.
        content = _bytes_of((value.actor, value.scope), depth)
    elif is_dataclass(value):
        content = _bytes_of({each.name: getattr(value, each.name) for each in fields(value)}, depth)
    elif isinstance(value, BaseModel):
        content = _bytes_of({**value.__dict__, **(value.__pydantic_extra__ or {})}, depth)
    elif isinstance(value, tuple) and hasattr(kind, "_fields"):
        content = _bytes_of(tuple(value), depth)
    elif isinstance(value, PurePath):
        content = _bytes_of(str(value), depth)
    else:
        raise ConfigurationError(
            f"A {kind.__qualname__} cannot be part of a cache key.",
            fix='Leave the argument out, ignore=("name",), or name what counts of it: key=lambda …: …',
        )
    return _framed(b"o", _framed(b"s", name) + content)
