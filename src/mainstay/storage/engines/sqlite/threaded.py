"""The asynchronous dialect: pysqlite3's calls on a thread, under SQLAlchemy's own adapters. No aiosqlite."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any, TypeVar

from sqlalchemy import pool
from sqlalchemy.connectors.asyncio import AsyncAdapt_dbapi_connection, AsyncAdapt_dbapi_module
from sqlalchemy.dialects import registry
from sqlalchemy.engine import URL
from sqlalchemy.util.concurrency import await_

from mainstay.storage.engines.sqlite.dialect import SessionConnection, SQLiteDialect
from mainstay.storage.engines.sqlite.library import sqlite

T = TypeVar("T")
_SHARED = (
    *("Warning", "Error", "InterfaceError", "DatabaseError", "DataError", "OperationalError", "IntegrityError"),
    *("InternalError", "ProgrammingError", "NotSupportedError", "PARSE_COLNAMES", "PARSE_DECLTYPES"),
)


class ThreadedCursor:
    """A cursor whose statement runs, and whose rows are read, in one visit to a thread."""

    def __init__(self, connection: "ThreadedConnection") -> None:
        self._connection = connection
        self._cursor = connection.raw.cursor()
        self._rows: list[Any] = []
        self.arraysize = 1

    async def __aenter__(self) -> "ThreadedCursor":
        return self

    @property
    def description(self) -> Any:
        return self._cursor.description

    @property
    def rowcount(self) -> int:
        return int(self._cursor.rowcount)

    @property
    def lastrowid(self) -> Any:
        return self._cursor.lastrowid

    async def execute(self, sql: str, parameters: Any = ()) -> None:
        def run() -> list[Any]:
            self._connection.raw.before(sql)
            self._cursor.execute(sql, parameters)
            return self._cursor.fetchall() if self._cursor.description else []

        self._rows = await self._connection.call(run)

    async def executemany(self, sql: str, parameters: Any) -> None:
        def run() -> None:
            self._connection.raw.before(sql)
            self._cursor.executemany(sql, parameters)

        await self._connection.call(run)

    async def fetchall(self) -> list[Any]:
        rows, self._rows = self._rows, []
        return rows

    async def close(self) -> None:
        self._cursor.close()


class ThreadedConnection:
    """A session's connection whose calls go to the executor, one at a time."""

    def __init__(self, raw: SessionConnection, executor: Executor) -> None:
        self.raw, self._executor = raw, executor

    def cursor(self) -> ThreadedCursor:
        return ThreadedCursor(self)

    async def call(self, work: Callable[[], T]) -> T:
        """Run on a thread. A cancelled caller still waits for the thread, so that the connection is never shared."""
        future = asyncio.get_running_loop().run_in_executor(self._executor, work)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            self.raw.interrupt()
            await asyncio.wait([future])
            future.exception()
            raise

    async def begin_writing(self) -> None:
        await self.call(self.raw.begin_writing)

    async def commit(self) -> None:
        await self.call(self.raw.commit)

    async def rollback(self) -> None:
        # Nothing to undo needs no thread: most sessions only read.
        if self.raw.in_transaction:
            await self.call(self.raw.rollback)

    async def close(self) -> None:
        self.raw.close()


class AdaptedConnection(AsyncAdapt_dbapi_connection):
    """What SQLAlchemy's pool holds."""

    __slots__ = ()

    @property
    def in_transaction(self) -> bool:
        return bool(self._connection.raw.in_transaction)

    def begin_writing(self) -> None:
        await_(self._connection.begin_writing())


class Module(AsyncAdapt_dbapi_module):
    """pysqlite3 as a DBAPI module of awaitables."""

    paramstyle = "qmark"
    sqlite_version = sqlite.sqlite_version
    sqlite_version_info = sqlite.sqlite_version_info
    Binary: Any = memoryview

    def __init__(self) -> None:
        super().__init__(sqlite, dbapi_module=sqlite)
        for name in _SHARED:
            setattr(self, name, getattr(sqlite, name))

    def connect(self, *arguments: Any, async_creator_fn: Any, **options: Any) -> AdaptedConnection:
        return await_(AdaptedConnection.create(self, async_creator_fn()))


class AsyncSQLiteDialect(SQLiteDialect):
    """SQLite for AsyncSession."""

    driver = "mainstay_async"
    supports_statement_cache = True
    is_async = True

    @classmethod
    def import_dbapi(cls) -> Any:
        return Module()

    @classmethod
    def get_pool_class(cls, url: URL) -> type[pool.Pool]:
        return pool.AsyncAdaptedQueuePool

    def do_execute(self, cursor: Any, statement: str, parameters: Any, context: Any = None) -> None:
        cursor.execute(statement, parameters)

    def do_executemany(self, cursor: Any, statement: str, parameters: Any, context: Any = None) -> None:
        cursor.executemany(statement, parameters)

    def do_execute_no_params(self, cursor: Any, statement: str, context: Any = None) -> None:
        cursor.execute(statement)

    def get_driver_connection(self, connection: Any) -> Any:
        return connection._connection


registry.register("sqlite.mainstay_async", __name__, "AsyncSQLiteDialect")
