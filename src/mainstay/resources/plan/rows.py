"""The plan of a list: which statements answer it, and how their rows become its bytes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from orjson import Fragment
from sqlalchemy import ColumnElement, Integer, and_, bindparam, func, or_, select

from mainstay.resources.options import Envelope
from mainstay.resources.plan.context import PlanContext, Run, Steps
from mainstay.resources.plan.expansion import Expansion, expansions, fill
from mainstay.resources.plan.select.classes import in_index, is_slow
from mainstay.resources.plan.select.conditions import conditions, filter_bind
from mainstay.resources.plan.select.face import Face, Objects
from mainstay.resources.plan.select.keyset import arms, cursor_bind, keys_of, order_by, places_of, seen_order
from mainstay.resources.plan.select.packed import as_one_value, packed_row, place_in_json, unpack
from mainstay.resources.plan.select.places import place_reader, place_writer
from mainstay.resources.plan.select.ranges import in_turn
from mainstay.resources.plan.select.sources import Source
from mainstay.resources.query import ListQuery, Order, Under
from mainstay.storage.sql import UpTo, in_tenant, matches
from mainstay.storage.statement import Raw, Statement, compile_statement

PARENT, SEARCH, LIMIT, OFFSET = "parent_key", "search_words", "page_limit", "page_offset"
Binder = tuple[str, Callable[[Any], Any] | None]


@dataclass(slots=True, eq=False)
class RowsPlan:
    """Everything about one shape of list, for one shape of policy."""

    statement: Statement
    count: Statement | None
    objects: Objects
    expansions: tuple[Expansion, ...]
    place: Callable[[Any], list[Any]]
    read_place: Callable[[list[Any]], list[Any]]
    filters: tuple[Binder, ...]
    convert: dict[str, Callable[[Any], Any]]
    packed: Callable[[bytes], list[Any]] | None
    """Where the statement answers its rows as JSON already: a function from one of them to its place."""

    def bind(self, query: ListQuery, values: dict[str, Any], cursor: list[Any] | None) -> Raw:
        """The driver values of one request. One row more than asked for tells whether there are more."""
        bound = Raw(values)
        for (name, convert), each in zip(self.filters, query.filters, strict=True):
            bound[name] = each.value if convert is None else convert(each.value)
        if cursor is not None:
            for index, value in enumerate(self.read_place(cursor)):
                bound[cursor_bind(index)] = value
        if query.search is not None:
            bound[SEARCH] = self.convert[SEARCH](query.search)
        if query.parent is not None:
            convert = self.convert.get(PARENT)
            bound[PARENT] = query.parent.key if convert is None else convert(query.parent.key)
        bound[LIMIT] = query.limit + 1
        bound[OFFSET] = query.offset if query.mode == "offset" else (query.page - 1) * query.limit
        return bound


def plan_rows(context: PlanContext, query: ListQuery, nulls: tuple[bool, ...], *, views: bool = False) -> RowsPlan:
    """Compile the list. `nulls` tells which values of the query's cursor are NULL; empty where it has none.

    With `views` its items are RowViews instead of JSON-ready objects.
    """
    source = Source(context.lens_of(query.resource))
    face = Face(context.registry, source, context.lens_of, context.dialect, () if views else query.fields)
    view = face.views() if views else None
    planned = expansions(context, face, query.expand)
    order = seen_order(source, query.order)
    keys = keys_of(source, order, backward=query.before is not None)
    places = places_of(face, order)
    where = [*source.visible(), *conditions(context.registry, source, context.lens_of, query.filters)]
    if query.search is not None:
        where += [matches(source.table, SEARCH), *source.searchable()]
    if query.parent is not None:
        where.append(_under(context, source, query.parent))
    most = source.spec.options.max_page_size
    limit = bindparam(LIMIT, type_=UpTo(most + 1) if query.limit <= most else Integer())
    # Expansions add columns to the face: they are planned before.
    row = None if planned or views else packed_row(face, order)
    columns = [each.label(f"c{index}") for index, each in enumerate(face.columns)] if row is None else [row]
    starts = [[after] for after in _starts(source, query, order, arms(keys, nulls))] if nulls else [[]]
    ranges = [select(*columns).where(and_(*where, *start)).order_by(*order_by(keys)) for start in starts]
    core = in_turn(ranges, limit, context.dialect.name)
    if query.mode != "cursor":
        core = core.offset(bindparam(OFFSET, type_=Integer()))
    slow = is_slow(source, query, order)
    statement = compile_statement(core if row is None else as_one_value(core), context.dialect, slow=slow)
    convert = dict(statement.converters)
    fields = [source.spec.fields[each.field] for each in order]
    return RowsPlan(
        statement=statement,
        count=_count(context, source, query, where),
        objects=view or face.objects([each.name for each in planned]),
        expansions=planned,
        place=place_writer(fields, places, context.dialect.name),
        read_place=place_reader(fields, context.dialect.name),
        filters=tuple((filter_bind(i), convert.get(filter_bind(i))) for i in range(len(query.filters))),
        convert=convert,
        packed=None if row is None else place_in_json(order),
    )


def _starts(
    source: Source, query: ListQuery, order: Sequence[Order], after: list[ColumnElement[bool]]
) -> list[ColumnElement[bool]]:
    """Where the statement looks for rows after a place: range by range where an index has them, else all at once."""
    return after if query.search is None and in_index(source, order) else [or_(*after)]


def _count(
    context: PlanContext, source: Source, query: ListQuery, where: list[ColumnElement[bool]]
) -> Statement | None:
    if query.mode == "page" or query.count == "exact":
        core = select(func.count()).select_from(source.table).where(and_(*where))
    elif query.count == "estimated":
        largest = bindparam("estimate", context.options.query.estimate_max + 1, type_=Integer())
        some = select(source.stored(source.spec.key.name)).where(and_(*where)).limit(largest).subquery("some")
        core = select(func.count()).select_from(some)
    else:
        return None
    return compile_statement(core, context.dialect, slow=True)


def _under(context: PlanContext, source: Source, parent: Under) -> ColumnElement[bool]:
    """The rows that a relation of one parent row leads to."""
    above = context.registry[parent.parent].spec
    relation = above.relations[parent.relation]
    key = bindparam(PARENT, type_=above.key.column.type)
    if relation.secondary is None and relation.local is above.key.column:
        return source.table.c[relation.remote.key] == key
    if relation.secondary is not None and relation.local is above.key.column:
        there, tied, tables = source.reached_by(relation)
        between = tables[1]
        found = select(there).select_from(between).where(and_(*tied, there == key))
        return found.correlate(source.table).exists()
    # The relation starts from another column of the parent: from there the rows are found.
    table = above.table.alias()
    there, tied, tables = source.reached_by(relation)
    tied += [in_tenant(table), table.c[above.key.column.key] == key, there == table.c[relation.local.key]]
    return select(there).select_from(table, *tables[1:]).where(and_(*tied)).correlate(source.table).exists()


def read_rows(
    plan: RowsPlan, run: Run, query: ListQuery, cursor: list[Any] | None, binding: bytes
) -> Steps[dict[str, Any]]:
    """Fetch the page and give its envelope."""
    found = yield plan.statement, plan.bind(query, run.values, cursor)
    rows: Any = found if plan.packed is None else unpack(found)
    more = len(rows) > query.limit
    if more:
        rows = rows[: query.limit]
    if query.before is not None:
        rows = rows[::-1]
    if plan.packed is not None:
        items: Any = Fragment(b"[" + b",".join(rows) + b"]")
    else:
        items = plan.objects(rows)
    if plan.expansions:
        yield from fill(run, plan.expansions, rows, items)
    place = plan.packed or plan.place
    before, after = _sides(query, bool(rows), more)
    names = run.envelope
    body = {
        names.items: items,
        names.next: run.cursors.seal(binding, place(rows[-1])) if after else None,
        names.prev: run.cursors.seal(binding, place(rows[0])) if before else None,
    }
    if plan.count is not None:
        counted = yield plan.count, plan.bind(query, run.values, None)
        _add_totals(body, names, query, counted[0][0])
    return body


def _sides(query: ListQuery, some: bool, more: bool) -> tuple[bool, bool]:
    """Whether there are rows before and after this page. Where a cursor led here, there were some on its side."""
    if query.before is not None:
        return more, some
    if query.after is not None:
        return some, more
    return some and (query.offset > 0 or query.page > 1), more


def _add_totals(body: dict[str, Any], names: Envelope, query: ListQuery, total: int) -> None:
    if query.count != "none":
        body[names.count] = total
    if query.mode == "page":
        pages = -(-total // query.limit)
        body[names.page], body[names.size], body[names.total], body[names.pages] = query.page, query.limit, total, pages
        body[names.has_next], body[names.has_prev] = query.page < pages, query.page > 1
