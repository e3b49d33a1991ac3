"""JSON values and lists, in one canonical order and number form whatever the database."""

from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import Any

import orjson

from mainstay.model.types.kind import NULL, Converter, Kind
from mainstay.model.types.number import Float
from mainstay.model.types.refusal import Refused, wrong_type
from mainstay.model.types.text import storable

DEEPEST = 64
_FLOAT = Float()


def canonical(value: Any, depth: int = 0) -> Any:
    """The same JSON value as PostgreSQL's jsonb would give it back, so that SQLite answers with the same bytes.

    Keys by length, then by bytes; numbers of 1e16 and above that are whole are integers while 64 bits hold them.
    """
    if depth > DEEPEST:
        raise Refused("depth", f"Nest at most {DEEPEST} levels deep.")
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Enum):
        return canonical(value.value, depth)
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, int | float | Decimal):
        return _number(value)
    if isinstance(value, dict):
        if not all(isinstance(key, str) for key in value):
            raise Refused("key", "Use strings as an object's keys.")
        keyed = sorted((len(key.encode()), key.encode(), key) for key in map(storable, value))
        return {key: canonical(value[key], depth + 1) for _, _, key in keyed}
    if isinstance(value, list | tuple):
        return [canonical(item, depth + 1) for item in value]
    raise wrong_type("a JSON value", value)


def _number(value: int | float | Decimal) -> int | float:
    if isinstance(value, int) and -(1 << 63) <= value < 1 << 64:
        return int(value)
    number = _FLOAT.accept(value)
    if abs(number) >= 1e16 and -(1 << 63) <= number < 1 << 64:
        return int(number)
    return number


def read_json(raw: Any) -> Any:
    """The value of a raw JSON column: text from either driver, or a value the driver has parsed."""
    return orjson.loads(raw) if isinstance(raw, str | bytes) else raw


@dataclass(frozen=True, slots=True)
class Document(Kind):
    """Any JSON value, or only an object where the annotation says dict."""

    object_only: bool = True

    name = "json"
    operators = NULL
    sortable = False

    @property
    def python_type(self) -> Any:
        return dict[str, Any] if self.object_only else Any

    def accept(self, value: Any) -> Any:
        if value is None or (self.object_only and not isinstance(value, dict)):
            raise wrong_type("an object" if self.object_only else "a JSON value", value)
        return canonical(value)

    def parse(self, text: str) -> Any:
        raise Refused("operator", "A JSON field is filtered only by is=null and is=notnull.")

    def to_wire(self, dialect: str) -> Converter | None:
        return read_json

    def schema(self) -> dict[str, Any]:
        return {"type": "object", "additionalProperties": True} if self.object_only else {"not": {"type": "null"}}


@dataclass(frozen=True, slots=True)
class Items(Kind):
    """A list of values of one kind."""

    item: Kind

    name = "list"
    operators = ("has", *NULL)
    sortable = False

    @property
    def python_type(self) -> Any:
        return list[self.item.python_type]  # type: ignore[name-defined]  # a type made at run time

    def accept(self, value: Any) -> list[Any]:
        if not isinstance(value, list | tuple):
            raise wrong_type("a list", value)
        return [canonical(self.item.to_json(self.item.accept(item))) for item in value]

    def parse(self, text: str) -> Any:
        """The canonical value of one item: what `has` looks for."""
        return canonical(self.item.to_json(self.item.parse(text)))

    def to_wire(self, dialect: str) -> Converter | None:
        return read_json

    def schema(self) -> dict[str, Any]:
        return {"type": "array", "items": self.item.schema()}

    def shown_schema(self) -> dict[str, Any]:
        return {"type": "array", "items": self.item.shown_schema()}
