"""What SQLite's planner is told to expect of a table, so that its plans suit the day when the table is large.

Without figures SQLite takes ten rows for a tenant, and reads all of them rather than look into a second index. Figures
taken from a young database would be as wrong. So migrations write down those of a big one, and plans are the same on
the first day and with a million rows (https://sqlite.org/optoverview.html#manual_control_of_query_plans_using_sqlite_stat_tables).
"""

from collections.abc import Iterable

from sqlalchemy import Column, Connection, Table, text

from mainstay.storage.orders import FEW
from mainstay.storage.sql import tenant_column
from mainstay.storage.types import POSTGRES

# Also the mark by which our own figures are known from those that somebody's ANALYZE took.
ROWS = 1_000_003
_IN_TENANT = 100_000
# Of a column with few values (a status, a flag) most rows may hold the one that is asked for.
_OF_FEW, _OF_MANY = 0.8, 0.001


def expect_growth(connection: Connection, tables: Iterable[Table]) -> None:
    """Write the figures of each table that has none, or only ours. Does nothing but on SQLite."""
    if connection.dialect.name == POSTGRES:
        return
    wanted = {table.name: _figures(connection, table) for table in tables}
    there = _stored(connection)
    stale = [name for name, figures in wanted.items() if _ours(there.get(name, {})) and there.get(name, {}) != figures]
    if not stale:
        return
    # Makes the table of figures where there is none.
    connection.exec_driver_sql("ANALYZE sqlite_schema")
    for name in stale:
        connection.execute(text("DELETE FROM sqlite_stat1 WHERE tbl = :table"), {"table": name})
        for index, stat in wanted[name].items():
            row = {"table": name, "index": index, "stat": stat}
            connection.execute(text("INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES (:table, :index, :stat)"), row)


def _stored(connection: Connection) -> dict[str, dict[str, str]]:
    if connection.execute(text("SELECT 1 FROM sqlite_schema WHERE name = 'sqlite_stat1'")).scalar() is None:
        return {}
    found: dict[str, dict[str, str]] = {}
    for table, index, stat in connection.execute(text("SELECT tbl, idx, stat FROM sqlite_stat1")):
        found.setdefault(table, {})[index] = stat
    return found


def _ours(figures: dict[str, str]) -> bool:
    return all(stat.startswith(f"{ROWS} ") for stat in figures.values())


def _figures(connection: Connection, table: Table) -> dict[str, str]:
    figures = {}
    indexes = connection.execute(
        text('SELECT name, "unique" FROM pragma_index_list(:table)'), {"table": table.name}
    ).all()
    for name, unique in indexes:
        columns = connection.execute(text("SELECT name FROM pragma_index_info(:index)"), {"index": name}).scalars()
        # The text after the numbers keeps SQLite from skipping over a leading column.
        figures[name] = f"{ROWS} {' '.join(map(str, _expected(table, list(columns), bool(unique))))} noskipscan"
    return figures


def _expected(table: Table, columns: list[str | None], unique: bool) -> list[int]:
    """How many rows are alike in the first column, in the first two, and so on."""
    tenant, key = tenant_column(table), {column.name for column in table.primary_key.columns}
    rows = float(ROWS if tenant is not None else _IN_TENANT)
    expected: list[int] = []
    for name in columns:
        column: Column[object] | None = table.columns.get(name) if name is not None else None
        if name is not None and name == tenant:
            rows = min(rows, _IN_TENANT)
        elif name in key and not table.info.get("mainstay_link"):
            rows = 1
        else:
            rows *= _OF_FEW if column is not None and column.info.get(FEW) else _OF_MANY
        expected.append(max(1, round(rows)))
    # Rows without a value share none, and are likely to be many.
    if unique and expected and not any(name is None or table.columns[name].nullable for name in columns):
        expected[-1] = 1
    return expected
