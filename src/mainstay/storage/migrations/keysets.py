"""Indexes for the orders that tables declare, kept outside Alembic's chain like full-text: it knows no NULLS FIRST."""

from collections.abc import Callable, Iterable, Mapping

from sqlalchemy import Connection, Table, inspect, text

from mainstay.storage.orders import ORDER_SUFFIX, Order, declared_orders, order_index
from mainstay.storage.sql import tenant_column
from mainstay.storage.types import POSTGRES

Quote = Callable[[str], str]
_ON_SQLITE = "SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND tbl_name = :table"
_ON_POSTGRESQL = """SELECT index.relname, obj_description(index.oid, 'pg_class') FROM pg_catalog.pg_index AS entry
JOIN pg_catalog.pg_class AS index ON index.oid = entry.indexrelid
JOIN pg_catalog.pg_class AS owner ON owner.oid = entry.indrelid
WHERE owner.relname = :table AND pg_catalog.pg_table_is_visible(owner.oid)"""


def index_orders(connection: Connection, tables: Iterable[Table]) -> list[str]:
    """Make, renew or drop what differs from the declaration; answers the names of indexes touched."""
    touched = []
    for table in tables:
        columns = {column["name"] for column in inspect(connection).get_columns(table.name)}
        # A column that is declared and not yet migrated is indexed when it is there.
        orders = [order for order in declared_orders(table) if {term.column for term in order} <= columns]
        touched += _renew(connection, table, {order_index(table, order): order for order in orders})
    return touched


def order_statements(table: Table, order: Order, dialect: str, quote: Quote) -> list[str]:
    """The SQL that makes one order's index."""
    name = quote(order_index(table, order))
    made = f"CREATE INDEX {name} ON {quote(table.name)} ({', '.join(_columns(table, order, dialect, quote))})"
    return [made, f"COMMENT ON INDEX {name} IS '{_comment(order)}'"] if dialect == POSTGRES else [made]


def _renew(connection: Connection, table: Table, wanted: Mapping[str, Order]) -> list[str]:
    dialect, quote = connection.dialect.name, connection.dialect.identifier_preparer.quote
    found = connection.execute(text(_ON_POSTGRESQL if dialect == POSTGRES else _ON_SQLITE), {"table": table.name})
    there = {name: told for name, told in found if name.endswith(ORDER_SUFFIX)}
    touched = []
    for name in there.keys() - wanted.keys():
        connection.exec_driver_sql(f"DROP INDEX {quote(name)}")
        touched.append(name)
    for name, order in wanted.items():
        statements = order_statements(table, order, dialect, quote)
        if there.get(name) == (_comment(order) if dialect == POSTGRES else statements[0]):
            continue
        connection.exec_driver_sql(f"DROP INDEX IF EXISTS {quote(name)}")
        for statement in statements:
            connection.exec_driver_sql(statement)
        touched.append(name)
    return touched


def _columns(table: Table, order: Order, dialect: str, quote: Quote) -> list[str]:
    tenant = tenant_column(table)
    columns = [] if tenant is None else [quote(tenant)]
    for term in order:
        told = f"{quote(term.column)}{' DESC' if term.descending else ''}"
        # SQLite has NULL smallest as it is.
        if dialect == POSTGRES and table.columns[term.column].nullable:
            told += " NULLS LAST" if term.descending else " NULLS FIRST"
        columns.append(told)
    return columns


def _comment(order: Order) -> str:
    return f"mainstay order: {', '.join(f'-{term.column}' if term.descending else term.column for term in order)}"
