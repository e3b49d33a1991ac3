"""A row as it is stored, whatever the caller may read, with what a rule looks at in related rows."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, select

from mainstay.model.spec import FieldSpec, ResourceSpec, describe
from mainstay.resources.plan.row import KEY
from mainstay.storage.sql import in_tenant
from mainstay.storage.statement import Statement, compile_statement

Path = tuple[str, ...]


def plan_stored(spec: ResourceSpec, paths: Sequence[Path], dialect: Any) -> tuple[Statement, list[FieldSpec]]:
    """Every field of one row, then the value at the end of each path over to-one relations, and their fields."""
    fields = list(spec.fields.values())
    columns: list[ColumnElement[Any]] = [field.column for field in fields]
    for index, path in enumerate(paths):
        column, field = _reached(spec, path)
        columns.append(column.label(f"path_{index}"))
        fields.append(field)
    where = and_(in_tenant(spec.table), spec.key.column == bindparam(KEY, type_=spec.key.column.type))
    return compile_statement(select(*columns).where(where), dialect), fields


def canonical(field: FieldSpec, raw: Any, dialect: str) -> Any:
    """A raw value as the field's canonical one: what it shows on the wire is what it reads."""
    show = field.to_wire(dialect)
    return None if raw is None else field.values.accept(raw if show is None else show(raw))


def _reached(spec: ResourceSpec, path: Path) -> tuple[ColumnElement[Any], FieldSpec]:
    here: Any = spec.table
    tables, conditions = [], []
    for name in path[:-1]:
        relation = spec.relations[name]
        spec = describe(relation.target)
        there = spec.table.alias()
        conditions += [in_tenant(there), there.c[relation.remote.key] == here.c[relation.local.key]]
        tables.append(there)
        here = there
    field = spec.fields[path[-1]]
    value = here.c[field.column.key]
    return select(value).select_from(*tables).where(and_(*conditions)).scalar_subquery(), field
