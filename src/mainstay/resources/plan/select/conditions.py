"""Filters as SQL conditions over bound values; no value ever becomes part of the text."""

from collections.abc import Sequence
from functools import partial
from operator import eq, ge, gt, le, lt, ne
from typing import Any, cast

from sqlalchemy import ColumnElement, bindparam, not_
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.visitors import InternalTraversal
from sqlalchemy.types import Boolean

from mainstay.resources.plan.select.lens import Lens
from mainstay.resources.plan.select.sources import Found, LensOf, Source
from mainstay.resources.query import Filter
from mainstay.resources.registry import Registry
from mainstay.storage.sql import any_of, contains, ends_with, starts_with
from mainstay.storage.types import JsonText

_COMPARISONS = {"eq": eq, "ne": ne, "lt": lt, "lte": le, "gt": gt, "gte": ge}
# Their work grows with the rows they look at, whatever the index.
SLOW_OPERATORS = frozenset({"contains", "startswith", "endswith", "has"})


def filter_bind(index: int) -> str:
    """The bind that carries the value of the query's filter at this place."""
    return f"filter_{index}"


def conditions(
    registry: Registry, source: Source, lens_of: LensOf, filters: Sequence[Filter]
) -> list[ColumnElement[bool]]:
    """One condition per filter of the resource itself, and one EXISTS per relation: its filters speak of one row."""
    return _level(registry, source, lens_of, list(enumerate(filters)), 0)


def _level(
    registry: Registry, source: Source, lens_of: LensOf, filters: list[tuple[int, Filter]], depth: int
) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    behind: dict[str, list[tuple[int, Filter]]] = {}
    for index, each in filters:
        if len(each.relations) > depth:
            behind.setdefault(each.relations[depth], []).append((index, each))
        else:
            found.append(_condition(source, each, filter_bind(index)))
    for name, group in behind.items():
        relation = source.spec.relations[name]
        lens: Lens = lens_of(registry.of(relation.target).name)
        below = partial(_level, registry, lens_of=lens_of, filters=group, depth=depth + 1)
        found.append(source.related(relation, lens, below, found=_finds(registry, lens, group, depth + 1)))
    return found


def _finds(registry: Registry, lens: Lens, filters: list[tuple[int, Filter]], depth: int) -> Found:
    """How many rows meet these filters: few where an index leads from one of them to rows that are likely to be."""
    few = False
    for _, each in filters:
        here = lens.entry.spec
        for name in each.relations[depth:]:
            here = registry.of(here.relations[name].target).spec
        field = here.fields[each.field]
        if each.operator == "eq" and field.unique and len(each.relations) == depth:
            return "one"
        # Few rows share a value that is indexed, unless there are few values.
        if each.operator in ("eq", "in") and field.indexed and field.kind not in ("boolean", "enum"):
            few = True
    return "few" if few else "many"


def _condition(source: Source, given: Filter, bind: str) -> ColumnElement[bool]:
    column = source.column(given.field)
    field = source.spec.fields[given.field]
    value: Any = bindparam(bind, type_=field.column.type)
    compare = _COMPARISONS.get(given.operator)
    if compare is not None:
        return cast("ColumnElement[bool]", compare(column, value))
    match given.operator:
        case "in":
            return any_of(column, bind)
        case "nin":
            return not_(any_of(column, bind))
        case "is":
            return column.is_(None) if given.value else column.is_not(None)
        case "contains":
            return contains(column, bind)
        case "startswith":
            return starts_with(column, bind)
        case "endswith":
            return ends_with(column, bind)
        case "has":
            return Has(column, bind)
    raise TypeError(f"{given.operator} is no filter operator.")


class Has(ColumnElement[bool]):
    """A stored JSON list has an item equal to the bound JSON value."""

    inherit_cache = True
    type = Boolean()
    _traverse_internals = [  # noqa: RUF012  SQLAlchemy's own protocol
        ("left", InternalTraversal.dp_clauseelement),
        ("item", InternalTraversal.dp_clauseelement),
    ]

    def __init__(self, left: ColumnElement[Any], name: str) -> None:
        self.left = left
        self.item = bindparam(name, type_=JsonText())


@compiles(Has)
def _has_sqlite(element: Has, compiler: SQLCompiler, **kw: Any) -> str:
    left = compiler.process(element.left, **kw)

    def item() -> str:
        # Rendered anew each time: a positional bind stands for one place only.
        return compiler.process(element.item, **kw)

    numbers = "('integer', 'real')"
    same_type = f"item.type = json_type({item()}) OR item.type IN {numbers} AND json_type({item()}) IN {numbers}"
    where = f"({same_type}) AND item.value = json_extract({item()}, '$')"
    return f"EXISTS (SELECT 1 FROM json_each({left}) AS item WHERE {where})"  # noqa: S608  compiled parts only


@compiles(Has, "postgresql")
def _has_postgresql(element: Has, compiler: SQLCompiler, **kw: Any) -> str:
    left, item = compiler.process(element.left, **kw), compiler.process(element.item, **kw)
    return f"{left} @> jsonb_build_array(CAST({item} AS jsonb))"
