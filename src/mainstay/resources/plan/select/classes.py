"""The class of a plan: quick ones run on the event loop under a deadline, slow ones on reader threads."""

from collections.abc import Sequence

from mainstay.resources.plan.select.conditions import SLOW_OPERATORS
from mainstay.resources.plan.select.sources import Source
from mainstay.resources.query import ListQuery, Order
from mainstay.storage.orders import leads_with


def is_slow(source: Source, query: ListQuery, order: Sequence[Order]) -> bool:
    """Whether the work is bound to grow with the table rather than with the page.

    A first guess only: what else grows (filters that few rows pass, deep offsets, counts of related rows) shows on the
    loop, where a quick plan that outlives its deadline is given up, run on a thread, and remembered for its tenant.
    """
    if query.search is not None or query.count != "none" or query.mode == "page":
        return True
    if any(each.operator in SLOW_OPERATORS for each in query.filters):
        return True
    return not in_index(source, order)


def in_index(source: Source, order: Sequence[Order]) -> bool:
    """Whether an index gives the rows by the first key of this order; the page's sort settles what rows share of it."""
    first = source.spec.fields[order[0].field]
    if first is source.spec.key:
        return True
    return not source.lens.masked(first.name) and leads_with(source.spec.table, first.column.name)
