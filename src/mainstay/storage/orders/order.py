"""Orders declared on a table, for which migrations make indexes.

They stand beside the table's own indexes because they say what those cannot: that NULL is the smallest value on both
databases, and which way each column goes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha1

from sqlalchemy import Table

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
    known: list[tuple[tuple[str, bool], ...]] = table.info.setdefault(_INFO, [])
    # Plain values: revisions spell a table's info out.
    plain = tuple((term.column, term.descending) for term in terms)
    if plain not in known:
        known.append(plain)


def declared_orders(table: Table) -> Sequence[Order]:
    """What was declared for the table."""
    return [tuple(Term(*each) for each in order) for order in table.info.get(_INFO, ())]


def order_index(table: Table, terms: Order) -> str:
    """The name of the order's index."""
    told = "_".join(f"{term.column}{'_desc' if term.descending else ''}" for term in terms[:-1]) or terms[0].column
    name = f"{table.name}_{told}{ORDER_SUFFIX}"
    if len(name.encode()) <= _LONGEST:
        return name
    mark = sha1(name.encode(), usedforsecurity=False).hexdigest()[:8]
    kept = f"{table.name}_{told}".encode()[: _LONGEST - len(ORDER_SUFFIX) - len(mark) - 1].decode(errors="ignore")
    return f"{kept}_{mark}{ORDER_SUFFIX}"
