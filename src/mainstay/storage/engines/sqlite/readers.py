"""Reads of a SQLite file: quick ones on the event loop under a deadline, slow ones on threads under a timeout."""

import asyncio
import contextlib
import os
import sys
import threading
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mainstay.base.errors import Unavailable
from mainstay.storage.engines.sqlite.connect import Connection, open_connection
from mainstay.storage.engines.sqlite.failures import interrupted, translate
from mainstay.storage.engines.sqlite.library import sqlite
from mainstay.storage.statement import Rows

# The threads give way to the event loop: on a busy core they get a tenth of it, on an idle one all.
NICENESS = 10
# What one tenant may have waiting for a thread; more would only be told later that it took too long.
WAITING = 128
_LATE_SECONDS, _LATE_KEPT = 30.0, 4_096
_AGAIN_SECONDS = 0.02


class LoopReader:
    """One connection for the event loop's own thread; a statement that outlives `deadline` seconds is given up."""

    def __init__(self, path: Path, deadline: float) -> None:
        self.connection = self._connection = open_connection(
            path, reads_only=True, busy_timeout=0.0, factory=Connection
        )
        self.allowed = deadline
        # One for all reads: each is over before the next begins.
        self._cursor = self._connection.cursor()

    def fetch(self, sql: str, arguments: Any) -> Rows | None:
        """The rows, or None if the deadline passed."""
        self._connection.deadline = time.monotonic() + self.allowed
        try:
            return self._cursor.execute(sql, arguments).fetchall()  # type: ignore[no-any-return]  # untyped driver
        except (sqlite.Error, OverflowError) as error:
            if interrupted(error):
                return None
            raise translate(error) from error

    def close(self) -> None:
        self._connection.close()


class Late:
    """Statements that lately outlived the loop's deadline, by tenant: they are not tried on the loop again for a while.

    By tenant, because the same statement is quick over another's few rows. Once is not enough: on a busy machine any
    statement may find itself without a processor until its deadline has passed. The next time, the processor's own
    clock is looked at. False while there are none.
    """

    def __init__(self) -> None:
        self._until: dict[tuple[str, str], float] = {}
        self._suspected: set[tuple[str, str]] = set()
        self._began = 0.0

    def __bool__(self) -> bool:
        return bool(self._until or self._suspected)

    def holds(self, whose: str, sql: str) -> bool:
        """Whether it is not to be tried; it is about to be, otherwise."""
        if (whose, sql) in self._suspected:
            self._began = time.thread_time()
            return False
        until = self._until.get((whose, sql))
        if until is None:
            return False
        if until > time.monotonic():
            return True
        del self._until[whose, sql]
        return False

    def tried(self, whose: str, sql: str, *, late: bool, allowed: float) -> None:
        """It was tried on the loop, where it may take `allowed` seconds."""
        name = (whose, sql)
        if not late:
            self._suspected.discard(name)
        elif name not in self._suspected:
            if len(self._suspected) >= _LATE_KEPT:
                self._suspected.clear()
            self._suspected.add(name)
        elif time.thread_time() - self._began >= allowed / 2:
            self._suspected.discard(name)
            if len(self._until) >= _LATE_KEPT:
                self._until.clear()
            self._until[name] = time.monotonic() + _LATE_SECONDS


@dataclass(slots=True, eq=False)
class _Job:
    """One statement, who waits for it, and the connection that is at it (None before and after)."""

    sql: str
    arguments: Any
    loop: asyncio.AbstractEventLoop
    future: "asyncio.Future[Rows]"
    connection: Connection | None = None


class ReaderThreads:
    """A few threads with a connection each, at which tenants take turns.

    A statement that outlives `timeout` seconds, its wait for a thread included, is stopped and raises Unavailable.
    """

    def __init__(self, path: Path, threads: int, timeout: float) -> None:
        self._path, self._timeout = path, timeout
        self._ready = threading.Condition()
        # Whose jobs wait, in turn: the first key is served next and goes to the end.
        self._queues: dict[str, deque[_Job]] = {}
        self._closed = False
        self._threads = [
            threading.Thread(target=self._serve, name=f"mainstay-reader-{number}", daemon=True)
            for number in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    async def fetch(self, sql: str, arguments: Any, whose: str = "") -> Rows:
        """The rows. Raises Unavailable after the timeout, or at once where `whose` already has too many waiting."""
        loop = asyncio.get_running_loop()
        job = _Job(sql, arguments, loop, loop.create_future())
        self._submit(job, whose)
        # The watchdog is a timer of the loop's: a progress handler would take the interpreter's lock from the loop
        # thousands of times a second.
        watchdog = loop.call_later(self._timeout, self._stop, job, whose)
        try:
            return await job.future
        except asyncio.CancelledError:
            self._stop(job, whose)
            raise
        finally:
            watchdog.cancel()

    def close(self) -> None:
        """Stop what is running and end the threads. Blocks."""
        with self._ready:
            self._closed = True
            self._ready.notify_all()
        for thread in self._threads:
            thread.join()

    def _submit(self, job: _Job, whose: str) -> None:
        with self._ready:
            if self._closed:
                raise Unavailable("The database is closed.")
            waiting = self._queues.setdefault(whose, deque())
            if len(waiting) >= WAITING:
                raise Unavailable("Too many slow queries are waiting; try again.", retry_after=1)
            waiting.append(job)
            self._ready.notify()

    def _stop(self, job: _Job, whose: str) -> None:
        """Interrupt the job, or take it out of the queue."""
        with self._ready:
            # Under the mutex: the connection cannot pass on to the next job meanwhile.
            if job.connection is not None:
                job.connection.interrupt()
                # Between two statements an interrupt is lost: it may have come before this one began.
                job.loop.call_later(_AGAIN_SECONDS, self._stop, job, whose)
                return
            waiting = self._queues.get(whose)
            if waiting is not None and job in waiting:
                waiting.remove(job)
                if not waiting:
                    del self._queues[whose]
        if not job.future.done():
            job.future.set_exception(
                Unavailable("The query took too long.", fix="Add an index, or raise the statement timeout.")
            )

    def _serve(self) -> None:
        if sys.platform == "linux":
            # On Linux a priority belongs to a thread.
            with contextlib.suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
        connection = None
        try:
            while (job := self._next()) is not None:
                if connection is None:
                    connection = self._connect(job)
                    if connection is None:
                        continue
                self._run(job, connection)
        finally:
            if connection is not None:
                connection.close()

    def _connect(self, job: _Job) -> Connection | None:
        try:
            connection = open_connection(self._path, reads_only=True, busy_timeout=self._timeout, factory=Connection)
        except sqlite.Error as error:
            _tell(job, None, translate(error))
            return None
        connection.set_progress_handler(None, 0)
        return connection

    def _next(self) -> _Job | None:
        with self._ready:
            while not self._queues and not self._closed:
                self._ready.wait()
            if self._closed:
                for waiting in self._queues.values():
                    for job in waiting:
                        _tell(job, None, Unavailable("The database is closed."))
                self._queues.clear()
                return None
            whose, waiting = next(iter(self._queues.items()))
            del self._queues[whose]
            job = waiting.popleft()
            if waiting:
                self._queues[whose] = waiting
            return job

    def _run(self, job: _Job, connection: Connection) -> None:
        with self._ready:
            if job.future.done():
                return
            job.connection = connection
        rows: Rows | None = None
        problem: Exception | None = None
        try:
            rows = connection.execute(job.sql, job.arguments).fetchall()
        except (sqlite.Error, OverflowError) as error:
            problem = translate(error)
            if problem is not error:
                problem.__cause__ = error
        except Exception as error:
            problem = error
        with self._ready:
            job.connection = None
        _tell(job, rows, problem)


def _tell(job: _Job, rows: Rows | None, problem: Exception | None) -> None:
    # The loop may have been closed while its statement was under way.
    with contextlib.suppress(RuntimeError):
        job.loop.call_soon_threadsafe(_resolve, job, rows, problem)


def _resolve(job: _Job, rows: Rows | None, problem: Exception | None) -> None:
    if job.future.done():
        return
    if problem is not None:
        job.future.set_exception(problem)
    else:
        job.future.set_result(rows or [])
