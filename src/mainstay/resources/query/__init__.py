"""Query strings read strictly: what a caller asks of a resource, or a refusal that names every mistake."""

from mainstay.resources.query.reader import QueryReader
from mainstay.resources.query.terms import Expand, Filter, ListQuery, Order, Under

__all__ = ["Expand", "Filter", "ListQuery", "Order", "QueryReader", "Under"]
