"""SQLAlchemy engines over one SQLite file, for sessions of both kinds and for hooks inside a write."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from sqlalchemy import Engine, create_engine
from sqlalchemy.dialects import registry
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.orm import Session
from sqlalchemy.pool import StaticPool

from mainstay.base.errors import Unavailable
from mainstay.base.tenant import Scope
from mainstay.storage.engines.sqlite.connect import Connection
from mainstay.storage.engines.sqlite.dialect import SessionConnection, SQLiteDialect
from mainstay.storage.engines.sqlite.threaded import ThreadedConnection
from mainstay.storage.sessions import AsyncTenantSession, TenantSession

WITHIN_SECONDS = 0.25


class SessionEngines:
    """The engines that sessions are bound to, made when first asked for."""

    def __init__(self, connect: Callable[[], SessionConnection], size: int, patience: float) -> None:
        self._connect, self._size, self._patience = connect, size, patience
        self._sync: Engine | None = None
        self._async: AsyncEngine | None = None
        # As many threads as connections: whoever holds the lock always finds a thread to finish on.
        self._threads: ThreadPoolExecutor | None = None

    def session(self, scope: Scope) -> AsyncTenantSession:
        """An asynchronous session of this scope."""
        return AsyncTenantSession(self._async_engine(), scope=scope, expire_on_commit=False)

    def sync_session(self, scope: Scope) -> TenantSession:
        """A synchronous session of this scope."""
        return TenantSession(self._sync_engine(), scope=scope, expire_on_commit=False)

    async def close(self) -> None:
        """Close every connection that no session holds."""
        if self._async is not None:
            await self._async.dispose()
            self._async = None
        if self._sync is not None:
            self._sync.dispose()
            self._sync = None
        if self._threads is not None:
            self._threads.shutdown(wait=True)
            self._threads = None

    def _sync_engine(self) -> Engine:
        if self._sync is None:
            self._sync = create_engine(
                "sqlite+mainstay:///",
                creator=self._connect,
                pool_size=self._size,
                max_overflow=0,
                pool_timeout=self._patience,
            )
        return self._sync

    def _async_engine(self) -> AsyncEngine:
        if self._async is None:
            threads = self._threads = ThreadPoolExecutor(self._size, "mainstay-session")

            async def connect() -> ThreadedConnection:
                return ThreadedConnection(self._connect(), threads)

            self._async = create_async_engine(
                "sqlite+mainstay_async:///",
                async_creator=connect,
                pool_size=self._size,
                max_overflow=0,
                pool_timeout=self._patience,
            )
        return self._async


class BorrowedDialect(SQLiteDialect):
    """SQLite on a connection whose transaction belongs to somebody else: it is neither begun nor ended here."""

    driver = "mainstay_borrowed"
    supports_statement_cache = True

    def do_rollback(self, dbapi_connection: Any) -> None:
        """Nothing: the writer rolls back."""

    def do_commit(self, dbapi_connection: Any) -> None:
        """Nothing: the writer commits."""

    def do_execute(self, cursor: Any, statement: str, parameters: Any, context: Any = None) -> None:
        cursor.execute(statement, parameters)

    def do_executemany(self, cursor: Any, statement: str, parameters: Any, context: Any = None) -> None:
        cursor.executemany(statement, parameters)

    def do_execute_no_params(self, cursor: Any, statement: str, context: Any = None) -> None:
        cursor.execute(statement)


registry.register("sqlite.mainstay_borrowed", __name__, "BorrowedDialect")


def run_within(connection: Connection, scope: Scope, hook: Callable[[Session], Any]) -> None:
    """Run a synchronous hook in the writer's transaction. Raises Unavailable when it takes longer than 250 ms."""
    engine = create_engine(
        "sqlite+mainstay_borrowed:///", creator=lambda: connection, poolclass=StaticPool, pool_reset_on_return=None
    )
    began = time.monotonic()
    connection.deadline = began + WITHIN_SECONDS
    with TenantSession(engine, scope=scope, expire_on_commit=False) as session:
        hook(session)
        session.flush()
    if time.monotonic() - began > WITHIN_SECONDS:
        raise Unavailable(
            "The write took too long; nothing was written.",
            fix="A hook inside the transaction ran for over 250 ms while every other writer waited: make it shorter.",
        )
