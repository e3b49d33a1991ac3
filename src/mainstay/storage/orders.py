"""Orders that an index gives: declared on a table, made by migrations, looked for by plans.

They stand beside the table's own indexes because they say what those cannot: that NULL is the smallest value on both
databases, and which way each column goes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha1
from typing import Any

from sqlalchemy import Column, Index, Table, UniqueConstraint

from mainstay.storage.sql import tenant_column

ORDER_SUFFIX = "_mainstay_order"
_INFO = "orders"
# In a column's info: its values are few (a status, a flag), so that no index over it tells many rows apart.
FEW = "few_values"
# PostgreSQL cuts longer names off.
_LONGEST = 63


@dataclass(frozen=True, slots=True)
class Term:
    """One column of an order."""

    column: str
    descending: bool = False


Order = tuple[Term, ...]


def declare_order(table: Table, terms: Order) -> None:
    """Have migrations make an index, the tenant first, that gives rows in this order and in the opposite one."""
    known: list[Order] = table.info.setdefault(_INFO, [])
    if terms not in known:
        known.append(terms)


def declared_orders(table: Table) -> Sequence[Order]:
    """What was declared for the table."""
    found: Sequence[Order] = table.info.get(_INFO, ())
    return found


def order_index(table: Table, terms: Order) -> str:
    """The name of the order's index."""
    told = "_".join(f"{term.column}{'_desc' if term.descending else ''}" for term in terms[:-1]) or terms[0].column
    name = f"{table.name}_{told}{ORDER_SUFFIX}"
    if len(name.encode()) <= _LONGEST:
        return name
    mark = sha1(name.encode(), usedforsecurity=False).hexdigest()[:8]
    kept = f"{table.name}_{told}".encode()[: _LONGEST - len(ORDER_SUFFIX) - len(mark) - 1].decode(errors="ignore")
    return f"{kept}_{mark}{ORDER_SUFFIX}"


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
