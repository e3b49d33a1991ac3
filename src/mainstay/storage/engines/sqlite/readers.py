"""Reads of a SQLite file: quick ones on the event loop under a deadline, slow ones on threads under a timeout."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock, local
from typing import Any

from mainstay.storage.engines.sqlite.connect import Connection, open_connection
from mainstay.storage.engines.sqlite.failures import interrupted, translate
from mainstay.storage.engines.sqlite.library import sqlite
from mainstay.storage.statement import Rows

_FOREVER = float("inf")


class LoopReader:
    """One connection for the event loop's own thread; a statement that outlives `deadline` seconds is given up."""

    def __init__(self, path: Path, deadline: float) -> None:
        self._connection = open_connection(path, reads_only=True, busy_timeout=0.0, factory=Connection)
        self._allowed = deadline

    def fetch(self, sql: str, arguments: Any) -> Rows | None:
        """The rows, or None if the deadline passed."""
        connection = self._connection
        connection.deadline = time.monotonic() + self._allowed
        try:
            return connection.execute(sql, arguments).fetchall()  # type: ignore[no-any-return]  # untyped driver
        except (sqlite.Error, OverflowError) as error:
            if interrupted(error):
                return None
            raise translate(error) from error

    def close(self) -> None:
        self._connection.close()


class ReaderThreads:
    """A few threads with a connection each. A statement that outlives `timeout` seconds raises Unavailable."""

    def __init__(self, path: Path, threads: int, timeout: float) -> None:
        self._path, self._timeout = path, timeout
        self._here = local()
        self._opened: list[Connection] = []
        self._mutex = Lock()
        self._executor = ThreadPoolExecutor(threads, "mainstay-reader", self._open)

    async def fetch(self, sql: str, arguments: Any) -> Rows:
        # The time spent waiting for a thread counts: a caller's patience does not care where it is lost.
        deadline = time.monotonic() + self._timeout
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, self._fetch, sql, arguments, deadline)

    def close(self) -> None:
        self._executor.shutdown(wait=True, cancel_futures=True)
        for connection in self._opened:
            connection.close()

    def _open(self) -> None:
        connection = open_connection(self._path, reads_only=True, busy_timeout=self._timeout, factory=Connection)
        self._here.connection = connection
        with self._mutex:
            self._opened.append(connection)

    def _fetch(self, sql: str, arguments: Any, deadline: float) -> Rows:
        connection: Connection = self._here.connection
        connection.deadline = deadline
        try:
            return connection.execute(sql, arguments).fetchall()  # type: ignore[no-any-return]  # untyped driver
        except (sqlite.Error, OverflowError) as error:
            raise translate(error) from error
        finally:
            connection.deadline = _FOREVER
