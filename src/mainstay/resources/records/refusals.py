"""What the database refused, in the caller's words: which field clashes, which reference leads nowhere."""

from typing import Any

from sqlalchemy import select

from mainstay.base.errors import Conflict, FieldError, Invalid, Rejected
from mainstay.model.spec import ResourceSpec
from mainstay.resources.records.context import Writing
from mainstay.storage import Database, compile_statement
from mainstay.storage.errors import CheckFailed, ReferenceMissing, StorageError, UniqueClash
from mainstay.storage.sql import any_of, in_tenant


async def refusal_of(database: Database, change: Any, error: StorageError) -> Rejected:
    """The refusal that the caller is told. Looks up what SQLite does not say: which reference it was."""
    writing: Writing = change.writing
    if isinstance(error, UniqueClash):
        return _clash(writing.spec, error)
    if isinstance(error, ReferenceMissing):
        if change.action == "delete":
            return await _still_referenced(database, writing, change.key)
        return await _missing(database, writing, change.values, error)
    if isinstance(error, CheckFailed):
        return Invalid("The database does not admit these values.", code="check_failed")
    return Conflict("The database refused the change.")


def _clash(spec: ResourceSpec, error: UniqueClash) -> Conflict:
    by_column = {field.column.name: name for name, field in spec.fields.items()}
    columns = error.columns or _columns_of(spec, error.constraint)
    names = [by_column[column] for column in columns if column in by_column]
    sentence = "Another row has this value." if len(names) == 1 else "Another row has these values."
    errors = [FieldError((name,), "unique", sentence) for name in names]
    return Conflict(f"Another row has the same {', '.join(names) or 'key'}.", code="unique", errors=errors)


def _columns_of(spec: ResourceSpec, constraint: str) -> tuple[str, ...]:
    """The columns of a constraint or unique index that the database told by its name."""
    rules: list[Any] = [*spec.table.constraints, *spec.table.indexes]
    return tuple(column.name for rule in rules if rule.name == constraint for column in rule.columns)


async def _missing(database: Database, writing: Writing, values: dict[str, Any], error: ReferenceMissing) -> Conflict:
    spec = writing.spec
    columns = error.columns or _columns_of(spec, error.constraint)
    names = [name for name, field in spec.fields.items() if field.column.name in columns]
    if not names:
        names = [name async for name in _leading_nowhere(database, writing, values)]
    sentence = "There is no such row."
    errors = [FieldError((name,), "reference_missing", sentence) for name in names]
    told = ", ".join(names) or "A reference"
    return Conflict(f"{told} leads to no row.", code="reference_missing", errors=errors)


async def _leading_nowhere(database: Database, writing: Writing, values: dict[str, Any]) -> Any:
    spec = writing.spec
    for constraint in spec.table.foreign_key_constraints:
        for element in constraint.elements:
            name = next((n for n, f in spec.fields.items() if f.column is element.parent), None)
            if name is None or values.get(name) is None or element.column is spec.tenant_column:
                continue
            table = element.column.table
            found = compile_statement(
                select(element.column).where(in_tenant(table), any_of(element.column, "keys")), database.dialect
            )
            if not await database.fetch(writing.caller.require_scope(), found, {"keys": [values[name]]}):
                yield name


async def _still_referenced(database: Database, writing: Writing, key: Any) -> Conflict:
    names = []
    for other, column, cascades in writing.planner.registry.referring(writing.entry):
        if cascades:
            continue
        table = other.spec.table
        found = compile_statement(
            select(column).where(in_tenant(table), any_of(column, "keys")).limit(1), database.dialect
        )
        if await database.fetch(writing.caller.require_scope(), found, {"keys": [key]}):
            names.append(other.name)
    told = " and ".join(dict.fromkeys(names)) or "other rows"
    return Conflict(f"Rows of {told} still refer to this row.", code="still_referenced", extra={"referenced_by": names})
