"""Text, enumerations and UUIDs: kinds that travel as JSON strings."""

import re
from dataclasses import dataclass
from enum import Enum
from typing import Any
from uuid import UUID

from mainstay.model.types.kind import EQUALITY, NULL, ORDER, TEXTUAL, Kind
from mainstay.model.types.refusal import Refused, wrong_type

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)


def storable(value: str) -> str:
    """The text itself. Raises Refused where one of the databases could not hold it."""
    if "\0" in value:
        raise Refused("nul", "Remove the NUL character: text cannot hold it.")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise Refused("surrogate", "Remove the lone surrogate: it is not a Unicode character.") from None
    return value


@dataclass(frozen=True, slots=True)
class Text(Kind):
    """Unicode text, compared and sorted by code point on both databases."""

    name = "text"
    operators = (*EQUALITY, *ORDER, *TEXTUAL, *NULL)

    @property
    def python_type(self) -> Any:
        return str

    def accept(self, value: Any) -> str:
        if not isinstance(value, str):
            raise wrong_type("a string", value)
        return storable(value)

    def schema(self) -> dict[str, Any]:
        return {"type": "string"}


@dataclass(frozen=True, slots=True)
class Enumeration(Kind):
    """One of an Enum's members; its value is what is stored and shown."""

    enum: type[Enum]

    name = "enum"
    operators = (*EQUALITY, *ORDER, *NULL)

    @property
    def python_type(self) -> Any:
        return self.enum

    def accept(self, value: Any) -> Enum:
        if isinstance(value, self.enum):
            return value
        if not isinstance(value, str):
            raise wrong_type("a string", value)
        try:
            return self.enum(value)
        except ValueError:
            choices = ", ".join(str(member.value) for member in self.enum)
            raise Refused("enum", f"Choose one of: {choices}.") from None

    def to_json(self, value: Any) -> Any:
        return value.value if isinstance(value, Enum) else value

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "enum": [member.value for member in self.enum]}


@dataclass(frozen=True, slots=True)
class Uuid(Kind):
    """A UUID of any version, written with hyphens; upper case is taken and stored as lower case."""

    name = "uuid"

    @property
    def python_type(self) -> Any:
        return UUID

    def accept(self, value: Any) -> UUID:
        if isinstance(value, UUID):
            return value
        if not isinstance(value, str):
            raise wrong_type("a UUID as a string", value)
        if _UUID.fullmatch(value) is None:
            raise Refused("uuid", "Send a UUID like 0190f6a2-7c1e-7000-8000-3f2b8c0d9e11.")
        return UUID(value)

    def to_json(self, value: Any) -> Any:
        return str(value)

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "uuid"}
