"""Which orders the indexes of a table give."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Column, Index, Table, UniqueConstraint

from mainstay.storage.orders.order import Order, Term, declared_orders
from mainstay.storage.sql import tenant_column


def gives_order(table: Table, terms: Sequence[Term]) -> bool:
    """Whether one index of the table gives rows of one tenant in this order, as far as rows differ in it."""
    return any(_gives(known, unique, terms) for known, unique in _known(table))


def leads_with(table: Table, column: str) -> bool:
    """Whether an index gives rows of one tenant by this column first."""
    return any(known and known[0].column == column for known, _ in _known(table))


def _gives(known: Order, unique: bool, terms: Sequence[Term]) -> bool:
    pairs = list(zip(known, terms, strict=False))
    same = all(one == other for one, other in pairs)
    turned = all(one.column == other.column and one.descending is not other.descending for one, other in pairs)
    # Where no two rows share the index's columns, what follows them changes nothing.
    return bool(pairs) and (same or turned) and (len(known) >= len(terms) or unique)


def _known(table: Table) -> Iterator[tuple[Order, bool]]:
    """The orders of all indexes within a tenant, and whether no two of its rows are alike in it."""
    tenant = tenant_column(table)
    for terms in declared_orders(table):
        yield terms, False
    keys: list[Any] = [table.primary_key, *(c for c in table.constraints if isinstance(c, UniqueConstraint))]
    for key in keys:
        columns = list(key.columns)
        yield _within(tenant, columns), not any(column.nullable for column in columns)
    for index in table.indexes:
        if not index.kwargs and all(isinstance(each, Column) for each in index.expressions):
            columns = _columns(index)
            yield _within(tenant, columns), bool(index.unique) and not any(column.nullable for column in columns)


def _columns(index: Index) -> "list[Column[Any]]":
    return [each for each in index.expressions if isinstance(each, Column)]


def _within(tenant: str | None, columns: "list[Column[Any]]") -> Order:
    if tenant is not None:
        if not columns or columns[0].name != tenant:
            return ()
        columns = columns[1:]
    return tuple(Term(column.name) for column in columns)
