"""Statements on the table between two resources: who is linked, and how links are made and taken away."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Table, and_, bindparam, delete, insert, not_, select

from mainstay.model.spec import RelationSpec
from mainstay.resources.plan.context import PlanContext
from mainstay.resources.plan.select.sources import Source
from mainstay.storage.sql import TENANT, any_of, in_tenant
from mainstay.storage.statement import Statement, compile_statement

HERE, KEYS = "link_here", "link_keys"


@dataclass(slots=True, eq=False)
class LinkPlans:
    """`seen` finds which of the keys the caller may see, `add`, `keep` (take away all others) and `remove` change."""

    seen: Statement
    add: Statement
    keep: Statement
    remove: Statement


def plan_links(context: PlanContext, relation: RelationSpec) -> LinkPlans:
    """Compile the statements on a many-to-many relation. Rows that the caller may not see cannot be linked to."""
    between, here, there = _between(relation)
    source = Source(context.lens_of(context.registry.of(relation.target).name), None)
    target = source.stored(source.spec.key.name)
    wanted = and_(*source.visible(), any_of(target, KEYS))
    mine = and_(in_tenant(between), here == bindparam(HERE, type_=here.type))
    taken = between.alias()
    linked = select(taken.c[there.key]).where(
        in_tenant(taken),
        taken.c[here.key] == bindparam(HERE, type_=here.type),
        taken.c[there.key] == source.table.c[relation.remote.key],
    )
    rows = select(TENANT, bindparam(HERE, type_=here.type), source.table.c[relation.remote.key]).where(
        wanted, not_(linked.correlate(source.table).exists())
    )
    # A link to a row out of sight stays: whether it is there must not show.
    if source.lens.read.verdict is not True:
        mine = and_(mine, there.in_(select(source.table.c[relation.remote.key]).where(and_(*source.visible()))))
    tenant = between.c[between.info.get("tenant_column", "tenant_id")]
    dialect = context.dialect
    return LinkPlans(
        seen=compile_statement(select(target).where(wanted), dialect),
        add=compile_statement(insert(between).from_select([tenant, here, there], rows).returning(there), dialect),
        keep=compile_statement(delete(between).where(mine, not_(any_of(there, KEYS))).returning(there), dialect),
        remove=compile_statement(delete(between).where(mine, any_of(there, KEYS)).returning(there), dialect),
    )


def _between(relation: RelationSpec) -> tuple[Table, Column[Any], Column[Any]]:
    if relation.secondary is None or relation.secondary_local is None or relation.secondary_remote is None:
        raise TypeError(f"{relation.name} is no many-to-many relation.")
    return relation.secondary, relation.secondary_local, relation.secondary_remote
