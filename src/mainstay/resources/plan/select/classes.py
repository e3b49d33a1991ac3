"""The class of a plan: quick ones run on the event loop under a deadline, slow ones on reader threads."""

from collections.abc import Sequence

from mainstay.resources.plan.select.conditions import SLOW_OPERATORS
from mainstay.resources.plan.select.sources import Source
from mainstay.resources.query import ListQuery, Order


def is_slow(source: Source, query: ListQuery, order: Sequence[Order]) -> bool:
    """Whether the work may grow with the table rather than with the page.

    Only a first guess: a quick plan that outlives its deadline on the loop is run again on a thread.
    """
    if query.search is not None or query.count != "none" or query.mode != "cursor":
        return True
    if any(each.operator in SLOW_OPERATORS for each in query.filters):
        return True
    shown = source.spec.counts
    if shown and (query.fields is None or any(name in shown for name in query.fields)):
        return True
    return not _indexed(source, order)


def _indexed(source: Source, order: Sequence[Order]) -> bool:
    """Whether one index gives the rows in this order: the key's own, or that of an indexed field with the key."""
    first = source.spec.fields[order[0].field]
    if first is source.spec.key:
        return True
    if not first.indexed or source.lens.masked(first.name):
        return False
    with_key = len(order) == 2 and order[1].field == source.spec.key.name and order[0].descending == order[1].descending
    return len(order) == 1 or with_key
