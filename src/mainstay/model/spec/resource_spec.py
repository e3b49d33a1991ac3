"""`ResourceSpec`: a declared (or existing) model as the floors above see it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pydantic import BaseModel
from sqlalchemy import Column, Table

from mainstay.model.behaviour import Check, Hook, When
from mainstay.model.options import Options
from mainstay.model.spec.field_spec import FieldSpec
from mainstay.model.spec.relation_spec import RelationSpec
from mainstay.model.spec.schemas import derive
from mainstay.model.types import Refused


@dataclass(frozen=True, slots=True)
class Stamps:
    """Who fills in what, in a new row: the caller's id, the current moment, version 1, or the column's own default."""

    owners: tuple[FieldSpec, ...]
    moments: tuple[str, ...]
    versions: tuple[str, ...]
    left_to_database: tuple[str, ...]


@dataclass(frozen=True, eq=False, kw_only=True)
class ComputedSpec:
    """A field worked out from a row. `schema` is its JSON Schema; `to_json` makes its value JSON-ready."""

    name: str
    call: Callable[[Any], Any]
    python_type: Any
    schema: dict[str, Any]
    to_json: Callable[[Any], Any]


@dataclass(frozen=True, eq=False, kw_only=True)
class ResourceSpec:
    """Everything about a resource but its rules of access."""

    name: str
    model: type[Any]
    table: Table
    key: FieldSpec
    tenant_column: Column[Any] | None
    version_column: Column[Any] | None
    fields: dict[str, FieldSpec]
    """In the order of declaration, the key first; the tenant is not among them."""
    relations: dict[str, RelationSpec]
    computed: dict[str, ComputedSpec]
    counts: dict[str, RelationSpec]
    checks: tuple[Check, ...]
    hooks: tuple[Hook, ...]
    options: Options
    owner_field: str | None
    description: str

    def accept(self, name: str, value: Any) -> Any:
        """The canonical value for a field. Raises Refused, also for a name that is none."""
        found = self.fields.get(name)
        if found is None:
            raise Refused("unknown_field", f"{self.model.__name__} has no field {name}.")
        return found.accept(value)

    def hooks_for(self, when: When, operation: str) -> tuple[Hook, ...]:
        return tuple(hook for hook in self.hooks if hook.when == when and operation in hook.operations)

    def run_within(self, operation: str, session: Any, row: Any) -> None:
        """Call the hooks that take part in the transaction, in order."""
        for hook in self.hooks_for("within", operation):
            hook.call(self.model, session, row)

    def field_for(self, columns: Iterable[str]) -> str | None:
        """The field to blame for a clash over these columns: the last that is not the tenant's."""
        by_column = {field.column.name: name for name, field in self.fields.items()}
        found = [by_column[column] for column in columns if column in by_column]
        return found[-1] if found else None

    def writable(self, operation: str) -> dict[str, FieldSpec]:
        """The fields that clients may send: operation is create, replace or update."""
        return self._writable[operation]

    @cached_property
    def _writable(self) -> dict[str, dict[str, FieldSpec]]:
        creating = {n: f for n, f in self.fields.items() if f.write != "never"}
        changing = {n: f for n, f in creating.items() if f.write == "always"}
        return {
            "create": creating,
            "replace": creating if self.options.create_on_put else changing,
            "update": changing,
        }

    @cached_property
    def unsent_defaults(self) -> tuple[FieldSpec, ...]:
        """Fields that clients may not write but that declare a default for a new row."""
        return tuple(
            f for f in self.fields.values() if f.write == "never" and f.has_default and not f.system and not f.owner
        )

    @cached_property
    def stamps(self) -> "Stamps":
        """The fields of a new row that Mainstay fills in."""
        fields = self.fields.values()
        return Stamps(
            owners=tuple(f for f in fields if f.owner),
            moments=tuple(f.name for f in fields if f.system and f is not self.key and f.name != "row_version"),
            versions=tuple(f.name for f in fields if f.system and f.name == "row_version"),
            left_to_database=tuple(
                f.name
                for f in fields
                if not f.owner and not f.system and f is not self.key and f.column.server_default is not None
            ),
        )

    @property
    def searchable(self) -> bool:
        return any(field.searchable for field in self.fields.values())

    @cached_property
    def create_schema(self) -> type[BaseModel]:
        return self.options.create or derive(self, "create")

    @cached_property
    def replace_schema(self) -> type[BaseModel]:
        return self.options.replace or self.options.create or derive(self, "replace")

    @cached_property
    def update_schema(self) -> type[BaseModel]:
        return self.options.update or derive(self, "update")

    @cached_property
    def read_schema(self) -> type[BaseModel]:
        return self.options.read or derive(self, "read")
