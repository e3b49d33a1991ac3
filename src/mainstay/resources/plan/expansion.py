"""Related rows shown inside rows: one statement per relation and level, however many rows there are."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson
from sqlalchemy import ARRAY, Select, Text, and_, bindparam, column, func, select

from mainstay.model.spec import RelationSpec
from mainstay.resources.plan.context import PlanContext, Run, Steps
from mainstay.resources.plan.select.face import Face, Objects
from mainstay.resources.plan.select.keyset import keys_of, order_by, places_of, seen_order, unseen
from mainstay.resources.plan.select.places import place_writer
from mainstay.resources.plan.select.sources import Source
from mainstay.resources.query import Expand, Order
from mainstay.storage.sql import any_of, in_tenant
from mainstay.storage.statement import Raw, Rows, Statement, compile_statement
from mainstay.storage.types import Text8

KEYS, WINDOW = "related_keys", "related_limit"
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
    places = places_of(face, order)
    there, joined, _ = source.reached_by(relation)
    statement, limit, cursor = None, None, None
    if relation.kind == "one":
        group = face.column("group", there)
        core = select(*face.columns).where(and_(*source.visible(), *joined, any_of(there, KEYS)))
    else:
        limit = context.options.query.related_max
        window = _window_sqlite if context.dialect.name == "sqlite" else _window_lateral
        core, group = window(face, relation, order, limit + 1)
        fields = [source.spec.fields[each.field] for each in order]
        cursor = _cursor(context, above.spec.name, name, source, place_writer(fields, places, context.dialect.name))
    if not source.lens.nothing:
        statement = compile_statement(core, context.dialect)
    objects = face.objects([each.name for each in below])
    return Expansion(name, here, group, statement, objects, below, limit, cursor)


# Each parent's rows are cut off where its window ends, from an index that has them in order: a parent with a million
# rows costs no more than one with a hundred. (A window function would number them all.)


def _window_sqlite(face: Face, relation: RelationSpec, order: Sequence[Order], size: int) -> tuple[Select[Any], int]:
    """Parents from the bound list, and for each the rows that a look into the index picks."""
    source = face.source
    parents = func.json_each(bindparam(KEYS, type_=Text())).table_valued(column("value"), name="parents")
    group = face.column("group", parents.c.value)
    inside = Source(source.lens, source.spec.table.alias())
    there, joined, tables = inside.reached_by(relation)
    key = source.spec.key.name
    picked = (
        select(inside.stored(key))
        .select_from(*tables)
        .where(and_(*inside.visible(), *joined, there == parents.c.value))
        .order_by(*order_by(keys_of(inside, order, backward=False)))
        .limit(bindparam(WINDOW, size))
        .correlate(parents)
    )
    core = select(*face.columns).select_from(parents, source.table)
    core = core.where(and_(in_tenant(source.table), source.stored(key).in_(picked)))
    return core.order_by(*order_by(keys_of(source, order, backward=False))), group


def _window_lateral(face: Face, relation: RelationSpec, order: Sequence[Order], size: int) -> tuple[Select[Any], int]:
    """The same as PostgreSQL puts it: a subquery for each parent."""
    source = face.source
    there, joined, tables = source.reached_by(relation)
    group = face.column("group", there)
    # A collation has no place in a cast.
    item = Text() if isinstance(there.type, Text8) else there.type
    parents = func.unnest(bindparam(KEYS, type_=ARRAY(item))).table_valued(column("value", item))
    parents = parents.render_derived(name="parents")
    labelled = [each.label(f"c{index}") for index, each in enumerate(face.columns)]
    keys = keys_of(source, order, backward=False)
    inner = select(*labelled).select_from(*tables)
    inner = inner.where(and_(*source.visible(), *joined, there == parents.c.value)).order_by(*order_by(keys))
    shown = inner.limit(bindparam(WINDOW, size)).lateral("shown")
    places = places_of(face, order)
    outer = [replace(each, column=shown.c[f"c{place}"]) for each, place in zip(keys, places, strict=True)]
    return select(*shown.c).select_from(parents, shown).order_by(*order_by(outer)), group


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
