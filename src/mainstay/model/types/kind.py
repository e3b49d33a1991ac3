"""What a kind of field promises, whatever the database."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar

Converter = Callable[[Any], Any]

EQUALITY = ("eq", "ne", "in", "nin")
ORDER = ("lt", "lte", "gt", "gte")
NULL = ("is",)
TEXTUAL = ("contains", "startswith", "endswith")


class Kind(ABC):
    """One kind of value: how it is read from text and JSON, held in Python, and shown in JSON.

    Every refusal is a `Refused` (a ValueError). What `accept` returns is the canonical Python value, and
    `accept(to_json(value)) == value` for each of them.
    """

    name: ClassVar[str] = ""
    operators: ClassVar[tuple[str, ...]] = (*EQUALITY, *ORDER, *NULL)
    sortable: ClassVar[bool] = True

    @property
    @abstractmethod
    def python_type(self) -> Any:
        """The type of a canonical value."""

    @abstractmethod
    def accept(self, value: Any) -> Any:
        """The canonical value of a JSON value (or of a Python value that is one already)."""

    def parse(self, text: str) -> Any:
        """The canonical value of a query parameter's text."""
        return self.accept(text)

    def to_json(self, value: Any) -> Any:
        """The JSON-ready form of a canonical value that is not None."""
        return value

    def to_wire(self, dialect: str) -> Converter | None:
        """What turns a raw driver value (not None) into its JSON-ready form; None where nothing is to be done."""
        return None

    @abstractmethod
    def schema(self) -> dict[str, Any]:
        """The JSON Schema of what `accept` takes, before a field's own limits."""

    def shown_schema(self) -> dict[str, Any]:
        """The JSON Schema of what `to_json` gives."""
        return self.schema()
