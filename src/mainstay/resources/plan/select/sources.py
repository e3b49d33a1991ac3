"""Resources inside a statement: columns seen through masks, rows through rules, related rows through EXISTS."""

from collections.abc import Callable, Iterator
from typing import Any, Literal

from sqlalchemy import ColumnElement, FromClause, and_, case, func, literal, null, select, type_coerce

from mainstay.access.policy import Folded, compile_rule
from mainstay.model.spec import RelationSpec
from mainstay.resources.plan.select.lens import Lens
from mainstay.storage.sql import in_tenant

LensOf = Callable[[str], Lens]
# How many rows meet conditions, as far as indexes tell.
Found = Literal["one", "few", "many"]


def never() -> ColumnElement[bool]:
    """A condition that holds for no row.

    Not `false()`: SQLAlchemy would let it swallow its neighbours, the tenant's condition among them.
    """
    return literal(0) == literal(1)


class Source:
    """A resource's table, or an alias of it, as one caller may see it."""

    def __init__(self, lens: Lens, table: FromClause | None = None) -> None:
        self.lens = lens
        self.spec = lens.entry.spec
        self.table: FromClause = self.spec.table if table is None else table

    def stored(self, name: str) -> ColumnElement[Any]:
        """The field's column, unmasked: for keys and versions."""
        return self.table.c[self.spec.fields[name].column.key]

    def column(self, name: str) -> ColumnElement[Any]:
        """The field as this caller sees it: NULL in rows where its mask does not admit them.

        Filters and sorts use it too, so that nothing can be guessed about what is masked.
        """
        if self.lens.hides(name):
            # Typed: PostgreSQL compares it like the field itself.
            return type_coerce(null(), self.spec.fields[name].column.type)
        return self.gated(name, self.stored(name))

    def gated(self, name: str, value: ColumnElement[Any]) -> ColumnElement[Any]:
        """Any value that stands under a name: NULL where the name's mask does not admit the row."""
        mask = self.lens.masks.conditional.get(name)
        return value if mask is None else case((self._rule(mask, f"mask_{name}"), value), else_=null())

    def nullable(self, name: str) -> bool:
        return self.lens.masked(name) or self.spec.fields[name].nullable

    def visible(self) -> list[ColumnElement[bool]]:
        """The conditions under which a row exists for this caller. The tenant comes first."""
        conditions: list[ColumnElement[bool]] = [in_tenant(self.table)]
        if self.lens.read.verdict is not True:
            conditions.append(self._rule(self.lens.read, "read"))
        return conditions

    def searchable(self) -> Iterator[ColumnElement[bool]]:
        """What must hold for a row to be found by its text: every searched field is seen."""
        for name, field in self.spec.fields.items():
            if field.searchable and self.lens.hides(name):
                yield never()
            elif field.searchable and name in self.lens.masks.conditional:
                yield self._rule(self.lens.masks.conditional[name], f"mask_{name}")

    def _rule(self, folded: Folded, use: str) -> ColumnElement[bool]:
        return compile_rule(folded, self.table, prefix=self.lens.prefix(use))

    def related(
        self,
        relation: RelationSpec,
        lens: Lens,
        conditions: Callable[["Source"], list[ColumnElement[bool]]],
        *,
        found: Found = "many",
    ) -> ColumnElement[bool]:
        """There is a row that the relation leads to, that the caller may see, and that meets the conditions.

        Where an index finds a few that meet them, they are looked for first: else each row of this source would be
        asked for its own. Where it finds one at most, this source's index still gives its rows in order.
        """
        if lens.nothing:
            return never()
        target = Source(lens, lens.entry.spec.table.alias())
        if found != "many":
            there, tied, tables = target.reached_by(relation)
            rows = select(there).select_from(*tables).where(and_(*tied, *target.visible(), *conditions(target)))
            here, rows = self.table.c[relation.local.key], rows.correlate(None)
            if found == "one" and relation.secondary is None:
                return here == rows.scalar_subquery()
            return here.in_(rows)
        joined, tables = self.join(relation, target)
        where = and_(*joined, *target.visible(), *conditions(target))
        return (
            select(target.stored(target.spec.key.name)).select_from(*tables).where(where).correlate(self.table).exists()
        )

    def count(self, relation: RelationSpec, lens: Lens) -> ColumnElement[Any]:
        """How many rows the relation leads to that the caller may see."""
        if lens.nothing:
            return literal(0)
        target = Source(lens, lens.entry.spec.table.alias())
        joined, tables = self.join(relation, target)
        counted = select(func.count()).select_from(*tables).where(and_(*joined, *target.visible()))
        return counted.correlate(self.table).scalar_subquery()

    def join(self, relation: RelationSpec, target: "Source") -> tuple[list[ColumnElement[bool]], list[FromClause]]:
        """What ties `target` to this source's row, and the tables to select from."""
        there, joined, tables = target.reached_by(relation)
        return [*joined, there == self.table.c[relation.local.key]], tables

    def reached_by(
        self, relation: RelationSpec
    ) -> tuple[ColumnElement[Any], list[ColumnElement[bool]], list[FromClause]]:
        """For the relation's target: the column that holds the value to come from, what ties it to the target's
        row, and the tables to select from."""
        own = self.table.c[relation.remote.key]
        if relation.secondary is None or relation.secondary_local is None or relation.secondary_remote is None:
            return own, [], [self.table]
        between = relation.secondary.alias()
        tied = [in_tenant(between), between.c[relation.secondary_remote.key] == own]
        return between.c[relation.secondary_local.key], tied, [self.table, between]
