"""SQLAlchemy over pysqlite3: our own dialect, sync and async, whose writes take the fair lock."""

import re
from typing import Any

from sqlalchemy import PrimaryKeyConstraint, Table, pool
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.sqlite.base import SQLiteCompiler, SQLiteDDLCompiler
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.engine import URL

from mainstay.storage.engines.sqlite.connect import Connection
from mainstay.storage.engines.sqlite.library import sqlite
from mainstay.storage.engines.sqlite.lock import FairLock

_WRITES = re.compile(
    r"\s*(?:--[^\n]*\n\s*)*(?:INSERT|UPDATE|DELETE|REPLACE|CREATE|ALTER|DROP|REINDEX|VACUUM|ANALYZE"
    r"|WITH\b.*\b(?:INSERT|UPDATE|DELETE|REPLACE)\b)",
    re.IGNORECASE | re.DOTALL,
)


class SessionConnection(Connection):
    """A connection for sessions and migrations: it only reads until its first change, which takes the fair lock."""

    lock: FairLock
    patience: float = 5.0
    _leased: bool = False

    def before(self, sql: str) -> None:
        """Called before each statement: the first change begins the transaction."""
        if not self.in_transaction and _WRITES.match(sql):
            self.begin_writing()

    def begin_writing(self) -> None:
        """Take the lock and begin. Raises Unavailable when the lock is not to be had in time."""
        self.lock.acquire(self.patience)
        self._leased = True
        try:
            self.execute("BEGIN IMMEDIATE")
        except BaseException:
            self._release()
            raise

    def commit(self) -> None:
        try:
            super().commit()
        finally:
            if not self.in_transaction:
                self._release()

    def rollback(self) -> None:
        try:
            super().rollback()
        finally:
            self._release()

    def close(self) -> None:
        try:
            super().close()
        finally:
            self._release()

    def _release(self) -> None:
        if self._leased:
            self._leased = False
            self.lock.release()


class RowidDDL(SQLiteDDLCompiler):
    """Tables marked `rid` get `rid INTEGER PRIMARY KEY`; the declared primary key becomes a UNIQUE one."""

    def create_table_constraints(self, table: Table, _include_foreign_key_constraints: Any = None, **kw: Any) -> str:
        body: str = super().create_table_constraints(  # type: ignore[no-untyped-call]  # untyped upstream
            table, _include_foreign_key_constraints, **kw
        )
        if not table.info.get("rid"):
            return body
        return f"rid INTEGER PRIMARY KEY, \n\t{body}" if body else "rid INTEGER PRIMARY KEY"

    def visit_primary_key_constraint(self, constraint: PrimaryKeyConstraint, **kw: Any) -> str:
        if not constraint.table.info.get("rid"):
            plain: str = super().visit_primary_key_constraint(constraint, **kw)  # type: ignore[no-untyped-call]  # as above
            return plain
        names = ", ".join(self.preparer.quote(column.name) for column in constraint.columns)
        named = f"CONSTRAINT {self.preparer.format_constraint(constraint)} " if constraint.name else ""
        return f"{named}UNIQUE ({names})"

    def get_column_specification(self, column: Any, **kw: Any) -> str:
        specification: str = super().get_column_specification(column, **kw)  # type: ignore[no-untyped-call]  # as above
        if column.table is not None and column.table.info.get("rid"):
            specification = specification.replace(" PRIMARY KEY AUTOINCREMENT", "").replace(" PRIMARY KEY", "")
        return specification


class SteadyLimit(SQLiteCompiler):
    """LIMIT and OFFSET whose values SQLite's planner does not look at.

    It does look at a plain `LIMIT ?`, and so plans the statement anew each time the value is bound: measured, a
    quarter of a list of 20, and more for longer statements.
    """

    def limit_clause(self, select: Any, **kw: Any) -> str:
        limit, offset = select._limit_clause, select._offset_clause
        text = "\n LIMIT -1" if limit is None else f"\n LIMIT CAST({self.process(limit, **kw)} AS INTEGER)"
        return text if offset is None else f"{text} OFFSET CAST({self.process(offset, **kw)} AS INTEGER)"


class SQLiteDialect(SQLiteDialect_pysqlite):
    """SQLite through pysqlite3. Connections are in autocommit until a change begins a transaction."""

    driver = "mainstay"
    supports_statement_cache = True
    ddl_compiler = RowidDDL
    statement_compiler = SteadyLimit
    # SQLite knows TRUE and FALSE since 3.23; without this every boolean expression is rendered "… = 1".
    supports_native_boolean = True

    @classmethod
    def import_dbapi(cls) -> Any:
        return sqlite

    @classmethod
    def get_pool_class(cls, url: URL) -> type[pool.Pool]:
        return pool.QueuePool

    def on_connect(self) -> Any:
        return None

    def do_begin(self, dbapi_connection: Any) -> None:
        """Nothing: reading needs no transaction, and the first change begins one."""

    def do_execute(self, cursor: Any, statement: str, parameters: Any, context: Any = None) -> None:
        cursor.connection.before(statement)
        cursor.execute(statement, parameters)

    def do_executemany(self, cursor: Any, statement: str, parameters: Any, context: Any = None) -> None:
        cursor.connection.before(statement)
        cursor.executemany(statement, parameters)

    def do_execute_no_params(self, cursor: Any, statement: str, context: Any = None) -> None:
        cursor.connection.before(statement)
        cursor.execute(statement)

    def do_savepoint(self, connection: Any, name: str) -> None:
        dbapi = connection.connection.dbapi_connection
        if not dbapi.in_transaction:
            dbapi.begin_writing()
        super().do_savepoint(connection, name)  # type: ignore[no-untyped-call]  # untyped upstream


registry.register("sqlite.mainstay", __name__, "SQLiteDialect")
