"""Indexes for the orders that tables declare, kept outside Alembic's chain like full-text: it knows no NULLS FIRST."""

from collections.abc import Callable, Iterable, Mapping

from sqlalchemy import Connection, Table, inspect, text

from mainstay.storage.orders import ORDER_SUFFIX, Order, declared_orders, order_index
from mainstay.storage.sql import tenant_column
from mainstay.storage.types import POSTGRES

Quote = Callable[[str], str]
_ON_SQLITE = "SELECT tbl_name, name, sql FROM sqlite_schema WHERE type = 'index' AND name LIKE '%' || :suffix"
_ON_POSTGRESQL = """SELECT owner.relname, index.relname, obj_description(index.oid, 'pg_class')
FROM pg_catalog.pg_index AS entry
JOIN pg_catalog.pg_class AS index ON index.oid = entry.indexrelid
JOIN pg_catalog.pg_class AS owner ON owner.oid = entry.indrelid
WHERE index.relname LIKE '%' || :suffix AND pg_catalog.pg_table_is_visible(owner.oid)"""


def index_orders(connection: Connection, tables: Iterable[Table]) -> list[str]:
    """Make, renew or drop what differs from the declaration; answers the names of indexes touched."""
    there = _stored(connection)
    touched = []
    for table in tables:
        if not declared_orders(table) and table.name not in there:
            continue
        columns = {column["name"] for column in inspect(connection).get_columns(table.name)}
        # A column that is declared and not yet migrated is indexed when it is there.
        orders = [order for order in declared_orders(table) if {term.column for term in order} <= columns]
        wanted = {order_index(table, order): order for order in orders}
        touched += _renew(connection, table, wanted, there.get(table.name, {}))
    return touched


def order_statements(table: Table, order: Order, dialect: str, quote: Quote) -> list[str]:
    """The SQL that makes one order's index."""
    name = quote(order_index(table, order))
    made = f"CREATE INDEX {name} ON {quote(table.name)} ({', '.join(_columns(table, order, dialect, quote))})"
    return [made, f"COMMENT ON INDEX {name} IS '{_comment(order)}'"] if dialect == POSTGRES else [made]


def _stored(connection: Connection) -> dict[str, dict[str, str]]:
    """Each table's indexes for orders, with what they were made from."""
    statement = text(_ON_POSTGRESQL if connection.dialect.name == POSTGRES else _ON_SQLITE)
    found: dict[str, dict[str, str]] = {}
    for table, name, told in connection.execute(statement, {"suffix": ORDER_SUFFIX}):
        if name.endswith(ORDER_SUFFIX):  # to LIKE an underscore is any letter
            found.setdefault(table, {})[name] = told
    return found


def _renew(connection: Connection, table: Table, wanted: Mapping[str, Order], there: Mapping[str, str]) -> list[str]:
    dialect, quote = connection.dialect.name, connection.dialect.identifier_preparer.quote
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
