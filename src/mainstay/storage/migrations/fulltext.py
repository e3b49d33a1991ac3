"""Full-text indexes kept by the database itself: FTS5 tables and triggers, or a generated tsvector with GIN."""

from collections.abc import Callable, Iterable

from sqlalchemy import Connection, Table, inspect, text

from mainstay.storage.search import SEARCH_COLUMN, SEARCH_TENANT, indexed, search_name
from mainstay.storage.sql import tenant_column
from mainstay.storage.types import POSTGRES


def index_text(connection: Connection, tables: Iterable[Table]) -> list[str]:
    """Make or renew the full-text index of each table marked `search`; answers the tables touched."""
    make = _tsvector if connection.dialect.name == POSTGRES else _fts5
    look = inspect(connection)
    touched = []
    for table in tables:
        # A column that is declared and not yet migrated is indexed when it is there.
        searched = set(table.info.get("search") or ())
        if searched and searched <= {column["name"] for column in look.get_columns(table.name)}:
            touched += [table.name] if make(connection, table) else []
    return touched


def _fts5(connection: Connection, table: Table) -> bool:
    quote = connection.dialect.identifier_preparer.quote
    name, index = quote(table.name), quote(search_name(table))
    tenant = tenant_column(table)
    searched = {indexed(column): quote(column) for column in table.info["search"]}
    if tenant is not None:
        searched = {SEARCH_TENANT: f"replace({{row}}.{quote(tenant)}, '-', '')"} | {
            column: f"{{row}}.{source}" for column, source in searched.items()
        }
    else:
        searched = {column: f"{{row}}.{source}" for column, source in searched.items()}
    columns = ", ".join(searched)
    wanted = (
        f"CREATE VIRTUAL TABLE {index} USING fts5({columns}, content='', contentless_delete=1, "
        "tokenize='unicode61 remove_diacritics 0')"
    )
    watched = ", ".join(quote(column) for column in (*table.info["search"], *([tenant] if tenant else ())))
    new = ", ".join(value.format(row="new") for value in searched.values())
    changed = ", ".join(f"{column} = {value.format(row='new')}" for column, value in searched.items())
    prefix = search_name(table)
    changes = f"UPDATE {index} SET {changed} WHERE rowid = old.rid"  # noqa: S608  quoted names, here and below
    removes = f"DELETE FROM {index} WHERE rowid = old.rid"  # noqa: S608  as above
    adds = f"INSERT INTO {index}(rowid, {columns}) VALUES (new.rid, {new})"  # noqa: S608  as above
    fills = f"INSERT INTO {index}(rowid, {columns})"
    triggers = {
        f"{prefix}_insert": f"AFTER INSERT ON {name} BEGIN {adds}; END",
        f"{prefix}_update": f"AFTER UPDATE OF {watched} ON {name} BEGIN {changes}; END",
        f"{prefix}_delete": f"AFTER DELETE ON {name} BEGIN {removes}; END",
    }
    touched = _stored(connection, prefix) != wanted
    if touched:
        connection.exec_driver_sql(f"DROP TABLE IF EXISTS {index}")
        connection.exec_driver_sql(wanted)
        values = ", ".join(value.format(row=name) for value in searched.values())
        connection.exec_driver_sql(f"{fills} SELECT {name}.rid, {values} FROM {name}")  # noqa: S608  as above
    for trigger, body in triggers.items():
        statement = f"CREATE TRIGGER {quote(trigger)} {body}"
        if _stored(connection, trigger) != statement:
            connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {quote(trigger)}")
            connection.exec_driver_sql(statement)
            touched = True
    return touched


def _stored(connection: Connection, name: str) -> str | None:
    found = connection.execute(text("SELECT sql FROM sqlite_schema WHERE name = :name"), {"name": name}).scalar()
    return None if found is None else str(found)


def _tsvector(connection: Connection, table: Table) -> bool:
    columns = {column["name"]: column for column in inspect(connection).get_columns(table.name)}
    if SEARCH_COLUMN in columns and columns[SEARCH_COLUMN].get("comment") == _comment(table):
        return False
    for statement in tsvector_statements(table, connection.dialect.identifier_preparer.quote):
        connection.exec_driver_sql(statement)
    return True


def tsvector_statements(table: Table, quote: Callable[[str], str]) -> list[str]:
    """The SQL that indexes one table's text on PostgreSQL."""
    name = quote(table.name)
    joined = " || ' ' || ".join(f"coalesce({quote(column)}, '')" for column in table.info["search"])
    # Words are cut out here and not by PostgreSQL's parser, which reads hosts, numbers and hyphens its own way.
    # ICU's root collation, because under "C" only ASCII letters are letters.
    words = f"""regexp_replace(lower(({joined}) COLLATE "und-x-icu"), '[^[:alnum:]]+', ' ', 'g')"""
    wanted = f"array_to_tsvector(array_remove(string_to_array({words}, ' '), ''))"
    index = quote(f"{table.name}_mainstay_search")
    return [
        f"ALTER TABLE {name} DROP COLUMN IF EXISTS {SEARCH_COLUMN}",
        f"ALTER TABLE {name} ADD COLUMN {SEARCH_COLUMN} tsvector GENERATED ALWAYS AS ({wanted}) STORED",
        f"CREATE INDEX {index} ON {name} USING gin ({SEARCH_COLUMN})",
        f"COMMENT ON COLUMN {name}.{SEARCH_COLUMN} IS '{_comment(table)}'",
    ]


def _comment(table: Table) -> str:
    return f"mainstay search: {', '.join(table.info['search'])}"
