"""Orders that an index gives: declared on a table, made by migrations, looked for by plans.

from mainstay.storage.orders import Term, declare_order, gives_order

declare_order(table, (Term("price", descending=True), Term("title"), Term("id")))
gives_order(table, [Term("price"), Term("title", descending=True)])  # True: an index is read both ways
"""

from mainstay.storage.orders.given import gives_order, leads_with
from mainstay.storage.orders.order import (
    FEW,
    ORDER_SUFFIX,
    Order,
    Term,
    declare_order,
    declared_orders,
    order_index,
)

__all__ = [
    "FEW",
    "ORDER_SUFFIX",
    "Order",
    "Term",
    "declare_order",
    "declared_orders",
    "gives_order",
    "leads_with",
    "order_index",
]
