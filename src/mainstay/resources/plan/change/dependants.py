"""Rows that go when another row goes: found by the foreign keys that say ON DELETE CASCADE."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, delete, select

from mainstay.resources.plan.change.writes import stored_values
from mainstay.resources.plan.context import PlanContext
from mainstay.resources.plan.row import version_reader
from mainstay.resources.plan.select.face import Face
from mainstay.resources.plan.select.sources import Source
from mainstay.resources.registry import Registered
from mainstay.storage.sql import any_of, in_tenant
from mainstay.storage.statement import Statement, compile_statement

KEYS = "gone_keys"


@dataclass(slots=True, eq=False)
class Dependants:
    """The rows of one resource that point at rows of another by one column."""

    entry: Registered
    find: Statement
    remove: Statement
    values: Callable[[Any], dict[str, Any]]
    version: Callable[[Any], str]


def plan_dependants(context: PlanContext, entry: Registered) -> list[Dependants]:
    """Compile the removal of rows that go with rows of this resource."""
    found = []
    for other, column, cascades in context.registry.referring(entry):
        if not cascades:
            continue
        source = Source(context.lens_of(other.name))
        face = Face(context.registry, source, context.lens_of, context.dialect, ())
        values, version = stored_values(face), version_reader(face, context.cursors)
        where = and_(in_tenant(source.table), any_of(column, KEYS))
        find = compile_statement(select(*face.columns).where(where).with_for_update(), context.dialect)
        gone = and_(in_tenant(source.table), any_of(other.spec.key.column, KEYS))
        remove = compile_statement(delete(other.spec.table).where(gone), context.dialect)
        found.append(Dependants(other, find, remove, values, version))
    return found
