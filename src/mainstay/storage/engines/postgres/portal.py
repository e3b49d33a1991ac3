"""Synchronous sessions over asyncpg: each driver call is made on a loop thread of its own. No second driver."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from sqlalchemy import pool
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.engine import URL
from sqlalchemy.util.concurrency import greenlet_spawn

T = TypeVar("T")


class Portal:
    """An event loop on a thread, for callers that have none."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="mainstay-portal", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run the coroutine there and wait for its result."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def call(self, function: Callable[..., T], *arguments: Any, **options: Any) -> T:
        """Call a function there that may await inside, as SQLAlchemy's asyncpg adapters do."""
        return self.run(greenlet_spawn(function, *arguments, **options))

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class PortalCursor:
    """SQLAlchemy's adapted asyncpg cursor, used from another thread."""

    def __init__(self, portal: Portal, cursor: Any) -> None:
        self._portal, self._cursor = portal, cursor

    def execute(self, *arguments: Any) -> Any:
        return self._portal.call(self._cursor.execute, *arguments)

    def executemany(self, *arguments: Any) -> Any:
        return self._portal.call(self._cursor.executemany, *arguments)

    def close(self) -> None:
        self._portal.call(self._cursor.close)

    def __getattr__(self, name: str) -> Any:
        # Rows are fetched when the statement runs, so the rest is memory.
        return getattr(self._cursor, name)


class PortalConnection:
    """SQLAlchemy's adapted asyncpg connection, used from another thread."""

    def __init__(self, portal: Portal, adapted: Any) -> None:
        self.portal, self.adapted = portal, adapted

    def cursor(self, *arguments: Any, **options: Any) -> PortalCursor:
        return PortalCursor(self.portal, self.adapted.cursor(*arguments, **options))

    def commit(self) -> None:
        self.portal.call(self.adapted.commit)

    def rollback(self) -> None:
        self.portal.call(self.adapted.rollback)

    def close(self) -> None:
        self.portal.call(self.adapted.close)

    def ping(self) -> None:
        self.portal.call(self.adapted.ping)

    def terminate(self) -> None:
        self.portal.call(self.adapted.terminate)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.adapted, name)


class PortalDialect(PGDialect_asyncpg):
    """PostgreSQL over asyncpg for synchronous engines; connections come from a creator."""

    driver = "mainstay_portal"
    supports_statement_cache = True
    is_async = False

    @classmethod
    def get_pool_class(cls, url: URL) -> type[pool.Pool]:
        return pool.QueuePool

    def on_connect(self) -> Any:
        prepare: Any = super().on_connect()  # type: ignore[no-untyped-call]  # untyped upstream

        def connect(connection: PortalConnection) -> None:
            connection.portal.call(prepare, connection.adapted)

        return None if prepare is None else connect

    def do_ping(self, dbapi_connection: Any) -> bool:
        dbapi_connection.ping()
        return True


registry.register("postgresql.mainstay_portal", __name__, "PortalDialect")
