"""Related rows shown inside rows: one statement per relation and level, however many rows there are."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import and_, bindparam, func, select

from mainstay.model.spec import RelationSpec
from mainstay.resources.plan.context import PlanContext, Run, Steps
from mainstay.resources.plan.select.face import Face, Objects
from mainstay.resources.plan.select.keyset import keys_of, order_by, places_of, seen_order, unseen
from mainstay.resources.plan.select.places import place_writer
from mainstay.resources.plan.select.sources import Source
from mainstay.resources.query import Expand
from mainstay.storage.sql import any_of
from mainstay.storage.statement import Raw, Rows, Statement, compile_statement

KEYS = "related_keys"
# From a run, the parent's key and the last row shown to the cursor for the rows that are not.
Cursor = Callable[[Run, Any, Any], str]


@dataclass(slots=True, eq=False)
class Expansion:
    """One relation to be filled into objects.

    `here` is the place of the relation's value in the row above, `there` in the related row. Without a statement
    the caller may see no row of the target.
    """

    name: str
    here: int
    there: int
    statement: Statement | None
    objects: Objects
    below: "tuple[Expansion, ...]"
    limit: int | None
    """For a relation to many: how many rows are shown."""
    cursor: Cursor | None


def expansions(context: PlanContext, face: Face, tree: Expand | None) -> tuple[Expansion, ...]:
    """Plan the relations of the tree; adds to the face the columns that they start from."""
    return tuple(_expansion(context, face, name, tree[name]) for name in sorted(tree)) if tree else ()


def _expansion(context: PlanContext, above: Face, name: str, tree: Expand) -> Expansion:
    relation = above.spec.relations[name]
    here = _local(above, relation)
    target = context.registry.of(relation.target).name
    source = Source(context.lens_of(target))
    face = Face(context.registry, source, context.lens_of, context.dialect, None)
    below = expansions(context, face, tree)
    order = seen_order(source, context.reader(target).assemble().order)
    keys = keys_of(source, order, backward=False)
    places = places_of(face, order)
    there, joined, tables = source.reached_by(relation)
    group = face.column("group", there)
    where = and_(*source.visible(), *joined, any_of(there, KEYS))
    statement, limit, cursor = None, None, None
    if relation.kind == "one":
        core = select(*face.columns).where(where)
    else:
        limit = context.options.query.related_max
        # The window is cut inside the database, so that one parent's thousand rows don't travel.
        number = func.row_number().over(partition_by=there, order_by=order_by(keys)).label("n")
        labelled = [column.label(f"c{index}") for index, column in enumerate(face.columns)]
        inner = select(*labelled, number).select_from(*tables).where(where).subquery("shown")
        core = select(*list(inner.c)[:-1]).where(inner.c.n <= bindparam("related_limit", limit + 1))
        core = core.order_by(inner.c[f"c{group}"], inner.c.n)
        fields = [source.spec.fields[each.field] for each in order]
        cursor = _cursor(context, above.spec.name, name, source, place_writer(fields, places, context.dialect.name))
    if not source.lens.nothing:
        statement = compile_statement(core, context.dialect)
    objects = face.objects([each.name for each in below])
    return Expansion(name, here, group, statement, objects, below, limit, cursor)


def _local(face: Face, relation: RelationSpec) -> int:
    for name, field in face.spec.fields.items():
        if field.column is relation.local:
            # A masked reference leads nowhere; a row's own key always does.
            return face.field(name) if relation.holds_key else face.stored(name)
    return face.column(f"local {relation.name}", face.source.table.c[relation.local.key])


def _cursor(
    context: PlanContext, parent: str, relation: str, source: Source, place: Callable[[Any], list[Any]]
) -> Cursor:
    query = context.reader(source.spec.name).assemble()
    without = unseen(source, query.order)

    def cursor(run: Run, key: Any, row: Any) -> str:
        return run.cursors.seal(run.tenant + query.under(parent, relation, key).binding + without, place(row))

    return cursor


def fill(run: Run, planned: Sequence[Expansion], rows: Rows, objects: list[dict[str, Any]]) -> Steps[None]:
    """Fetch the rows related to these and put them into their objects."""
    for each in planned:
        keys = list({row[each.here] for row in rows} - {None})
        found: Rows = []
        if each.statement is not None and keys:
            bound = orjson.dumps(keys).decode() if run.embedded else keys
            found = yield each.statement, Raw(run.values, **{KEYS: bound})
        related = each.objects(found)
        if each.below:
            yield from fill(run, each.below, found, related)
        if each.limit is None:
            by_key = {row[each.there]: item for row, item in zip(found, related, strict=True)}
            for row, item in zip(rows, objects, strict=True):
                item[each.name] = by_key.get(row[each.here])
        else:
            _fill_many(run, each, each.limit, rows, objects, found, related)


def _fill_many(
    run: Run, each: Expansion, limit: int, rows: Rows, objects: list[dict[str, Any]], found: Rows, related: list[Any]
) -> None:
    groups: dict[Any, list[int]] = {}
    for index, row in enumerate(found):
        groups.setdefault(row[each.there], []).append(index)
    for row, item in zip(rows, objects, strict=True):
        indexes = groups.get(row[each.here], [])
        more = len(indexes) > limit and each.cursor is not None
        item[each.name] = {
            "items": [related[index] for index in indexes[:limit]],
            "next": each.cursor(run, row[each.here], found[indexes[limit - 1]]) if more and each.cursor else None,
        }
