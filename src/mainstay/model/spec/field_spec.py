"""`FieldSpec`: everything the floors above need to know of one column."""

from dataclasses import dataclass, field
from datetime import UTC
from enum import Enum
from functools import cached_property
from typing import Any, Literal

from sqlalchemy import Column
from sqlalchemy.dialects import registry
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeEngine

from mainstay.model.declare import MISSING, Limits, OnErase
from mainstay.model.spec.tidy import FORMATS, Step, fold_case
from mainstay.model.types import Converter, Kind, Refused
from mainstay.model.types.document import read_json
from mainstay.storage.types import StoredType

# Query parameters with a meaning of their own: a field of that name is filtered as `size.eq=`.
CONTROLS = frozenset(
    {"after", "before", "count", "cursor", "expand", "fields", "filter", "limit", "offset", "page", "q", "size", "sort"}
)
OPERATORS = frozenset(
    {"eq", "ne", "lt", "lte", "gt", "gte", "in", "nin", "is", "has", "between"}
    | {"contains", "icontains", "startswith", "endswith"}
)


@dataclass(frozen=True, eq=False, kw_only=True)
class FieldSpec:
    """One field of a resource: its column, what it accepts, how it is shown, filtered and sorted."""

    name: str
    column: Column[Any]
    values: Kind
    nullable: bool
    required: bool
    """Must be sent on create."""
    has_default: bool
    default: Any = field(default=MISSING, repr=False)
    write: Literal["always", "create", "never"] = "always"
    readable: bool = True
    searchable: bool = False
    unique: bool = False
    indexed: bool = False
    constraints: Limits = field(default_factory=Limits)
    target: type[Any] | None = None
    """The class whose key this field holds."""
    owner: bool = False
    on_erase: OnErase = "anonymise"
    """What becomes of the row when its owner is erased."""
    system: bool = False
    """One of Mainstay's own columns (id, created_at, updated_at, row_version)."""
    title: str | None = None
    description: str | None = None
    example: Any = None
    deprecated: bool = False
    personal: bool = False
    """Told to the row's owner who asks what is held about them, masks aside."""
    steps: tuple[Step, ...] = field(default=(), repr=False)

    @property
    def kind(self) -> str:
        """text integer decimal float boolean datetime date time uuid enum json list."""
        return self.values.name

    @property
    def storage_type(self) -> TypeEngine[Any]:
        """The column's type."""
        return self.column.type

    @property
    def enum(self) -> type[Enum] | None:
        return getattr(self.values, "enum", None)

    @property
    def operators(self) -> tuple[str, ...]:
        """The filter operators that mean something for the kind; `is` takes null and notnull."""
        return self.values.operators

    @property
    def filterable(self) -> bool:
        return self.readable

    @property
    def sortable(self) -> bool:
        return self.readable and self.values.sortable

    @property
    def controlled(self) -> bool:
        """Named like a control parameter: filtered only with an operator, as in `size.eq=`."""
        return self.name in CONTROLS

    def parse(self, text: str) -> Any:
        """The canonical value of a filter's text. Raises Refused (a ValueError) with a sentence."""
        return self.values.parse(fold_case(self.constraints, text))

    def coerce(self, value: Any) -> Any:
        """The canonical value by kind alone, whatever the field's limits: for comparisons."""
        return None if value is None else self.values.accept(value)

    def accept(self, value: Any) -> Any:
        """The canonical value of JSON (or Python) input, tidied and within the limits. Raises Refused."""
        if value is None:
            if self.nullable:
                return None
            raise Refused("null", "Send a value: this field cannot be null.")
        value = self.values.accept(value)
        for step in self.steps:
            value = step(value)
        return value

    from_json = accept

    def to_json(self, value: Any) -> Any:
        """The JSON-ready form of a canonical value."""
        return None if value is None else self.values.to_json(value)

    def to_wire(self, dialect_name: str) -> Converter | None:
        """Raw driver value → JSON-ready; None where it is that already. The converter lets None through."""
        convert = self.values.to_wire(dialect_name)
        if not isinstance(self.storage_type, StoredType):
            convert = self._foreign_wire(dialect_name)
        return None if convert is None else _passing_none(convert)

    def _foreign_wire(self, dialect_name: str) -> Converter:
        """A column of an existing model: by its own result processor, then by kind."""
        dialect = _dialect(dialect_name)
        values = self.values
        if values.name == "json":
            # Such columns may hold JSON's own null.
            return lambda raw: None if (value := read_json(raw)) is None else values.accept(value)
        # PostgreSQL's numeric types ask what the driver gives: a double (701) or a numeric (1700).
        code = 701 if values.name == "float" else 1700
        read = self.storage_type.dialect_impl(dialect).result_processor(dialect, code)

        def convert(raw: Any) -> Any:
            try:
                value = raw if read is None else read(raw)
            except (TypeError, AttributeError):
                # The driver has read it already (asyncpg gives datetimes, dates, parsed JSON).
                value = raw
            return values.to_json(values.accept(_aware(value)))

        return convert

    @cached_property
    def default_value(self) -> Any:
        """The canonical default where it is one fixed value; None otherwise."""
        return None if self.default is MISSING or callable(self.default) else self.default

    def make_default(self) -> Any:
        """A canonical value for a field that was not sent. Only where `has_default`, or the field is nullable."""
        if self.default is MISSING:
            return None
        made = self.default() if callable(self.default) else self.default
        return made if made is None else self.values.accept(made)

    def schema(self) -> dict[str, Any]:
        """The JSON Schema of what `accept` takes."""
        found = self.values.schema()
        _limit(found, self.constraints, self)
        return self._documented(found)

    def shown_schema(self) -> dict[str, Any]:
        """The JSON Schema of what answers show."""
        return self._documented(self.values.shown_schema())

    def _documented(self, found: dict[str, Any]) -> dict[str, Any]:
        if self.nullable:
            found = {"anyOf": [found, {"type": "null"}]}
        found["title"] = self.title or self.name.replace("_", " ").capitalize()
        if self.description:
            found["description"] = self.description
        if self.example is not None:
            found["examples"] = [self.to_json(self.values.accept(self.example))]
        if self.deprecated:
            found["deprecated"] = True
        return found


def _limit(found: dict[str, Any], limits: Limits, spec: FieldSpec) -> None:
    values = spec.values
    shapes = ("minItems", "maxItems") if values.name == "list" else ("minLength", "maxLength")
    for key, value in zip(shapes, (limits.min_length, limits.max_length), strict=True):
        if value is not None:
            found[key] = value
    if limits.format is not None:
        found["pattern"] = f"^{FORMATS[limits.format][0]}$"
        found.update({"email": {"format": "email"}, "url": {"format": "uri"}}.get(limits.format, {}))
    elif limits.pattern is not None:
        found["pattern"] = f"^(?:{limits.pattern})$"
    elif limits.trim and limits.min_length:
        found["pattern"] = r"\S"
    bounds = {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum"}
    number = found["anyOf"][1] if values.name == "decimal" else found if values.name in ("integer", "float") else None
    if number is None:
        return
    for name, key in (*bounds.items(), ("multiple_of", "multipleOf")):
        bound = getattr(limits, name)
        if bound is not None:
            number[key] = int(bound) if bound == int(bound) else float(bound)


def _passing_none(convert: Converter) -> Converter:
    return lambda raw: None if raw is None else convert(raw)


def _aware(value: Any) -> Any:
    # Existing models often keep naive times; they are taken as UTC, which is what such models mean.
    if getattr(value, "tzinfo", MISSING) is None and hasattr(value, "date"):
        return value.replace(tzinfo=UTC)
    return value


_dialects: dict[str, Dialect] = {}


def _dialect(name: str) -> Dialect:
    if name not in _dialects:
        _dialects[name] = registry.load("postgresql.asyncpg" if name == "postgresql" else name)()
    return _dialects[name]
