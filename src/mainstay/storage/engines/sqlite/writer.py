"""The writer of a SQLite file: one thread that commits what waits together, and acknowledges only after the commit."""

import asyncio
import contextlib
import queue
import threading
import time
from collections.abc import Callable
from contextvars import Context
from dataclasses import dataclass
from typing import Any

from mainstay.base.errors import StorageFull, Unavailable
from mainstay.base.tenant import Scope
from mainstay.storage.engines.sqlite.connect import Connection
from mainstay.storage.engines.sqlite.failures import translate
from mainstay.storage.engines.sqlite.library import sqlite
from mainstay.storage.engines.sqlite.lock import FairLock
from mainstay.storage.statement import Rows, Statement, refuse

# More would hold the lock, and everybody behind it, for too long.
LARGEST_GROUP = 128
WITHIN_SECONDS = 0.25


@dataclass(slots=True, eq=False)
class Item:
    """One script waiting to be written, and who waits for it."""

    scope: Scope
    script: Any
    """The Script; None once it has come to its end on the loop."""
    context: Context
    loop: asyncio.AbstractEventLoop
    future: "asyncio.Future[Any]"
    within: Callable[[Connection], None] | None = None
    result: Any = None
    error: BaseException | None = None
    anew: Callable[[], None] | None = None
    """Sets the script back to its beginning, where it is a ShortScript."""


class Writer:
    """Takes scripts from any thread; runs each wholly or not at all; groups what waits into one commit."""

    def __init__(self, connect: Callable[[], Connection], lock: FairLock, patience: float, timeout: float) -> None:
        self._connect, self._lock, self._patience, self._timeout = connect, lock, patience, timeout
        self._queue: queue.SimpleQueue[Item | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="mainstay-writer", daemon=True)
        self._connection: Connection

    def start(self) -> None:
        self._connection = self._connect()
        self._thread.start()

    def stop(self) -> None:
        """Finish what was submitted, then end. Blocks."""
        self._queue.put(None)
        self._thread.join()
        self._connection.close()

    def submit(self, item: Item) -> None:
        self._queue.put(item)

    def waiting(self) -> int:
        """How many items nobody has begun to write."""
        return self._queue.qsize()

    def _run(self) -> None:
        while True:
            first = self._queue.get()
            if first is None:
                return
            group = [first]
            stop = False
            # A script with a hook takes a transaction of its own: the hook may be slow and may undo everything.
            while len(group) < LARGEST_GROUP and group[-1].within is None:
                try:
                    item = self._queue.get_nowait()
                except queue.Empty:
                    break
                if item is None:
                    stop = True
                    break
                group.append(item)
            if group[-1].within is not None and len(group) > 1:
                self._write(group[:-1])
                group = group[-1:]
            self._write(group)
            if stop:
                return

    def _write(self, group: list[Item]) -> None:
        try:
            self._commit(group)
        except BaseException as error:
            for item in group:
                item.error = item.error or error
        acknowledge(group)

    def _commit(self, group: list[Item]) -> None:
        self._lock.acquire(self._patience)
        connection = self._connection
        try:
            connection.deadline = time.monotonic() + self._timeout
            execute(connection, "BEGIN IMMEDIATE")
            for item in group:
                if not item.future.cancelled():
                    self._run_item(item, alone=len(group) == 1)
            if any(item.error is None for item in group):
                execute(connection, "COMMIT")
            else:
                connection.rollback()
        except BaseException:
            if connection.in_transaction:
                connection.rollback()
            raise
        finally:
            connection.deadline = float("inf")
            self._lock.release()

    def _run_item(self, item: Item, *, alone: bool) -> None:
        connection = self._connection
        # A lone item has the transaction to itself.
        marked = not alone
        if marked:
            connection.execute("SAVEPOINT item")
        try:
            item.result = item.context.run(self._drive, item)
            if item.within is not None:
                item.within(connection)
        except BaseException as error:
            item.error = error
            if not connection.in_transaction:
                # SQLite gave the whole transaction up (a full disk, an I/O error): nothing of the group is written.
                raise lost(error) from error
            if marked:
                connection.execute("ROLLBACK TO item")
        if marked:
            connection.execute("RELEASE item")

    def _drive(self, item: Item) -> Any:
        script, scope = item.script, item.scope
        try:
            statement, values = next(script)
            while True:
                try:
                    rows = run_statement(self._connection, scope, statement, values)
                except (sqlite.Error, OverflowError) as error:
                    refuse(script, translate(error))
                statement, values = script.send(rows)
        except StopIteration as done:
            return done.value
        finally:
            script.close()


def run_statement(connection: Connection, scope: Scope, statement: Statement, values: Any) -> Rows:
    """The statement's rows; of a fuse(), one after the other, those of the last. Raises what the driver raises."""
    if not statement.parts:
        return connection.execute(statement.sql, statement.bind(scope, values)).fetchall()  # type: ignore[no-any-return]  # untyped driver
    rows: Rows = []
    for part in statement.parts:
        if part.follows:
            if rows:
                taken = {name: rows[0][index] for name, index in part.takes}
                run_statement(connection, scope, part, type(values)({**values, **taken}))
        else:
            rows = run_statement(connection, scope, part, values)
    return rows


def execute(connection: Connection, sql: str) -> None:
    """Run a statement without values. Raises our error in place of the driver's."""
    try:
        connection.execute(sql)
    except sqlite.Error as error:
        raise translate(error) from error


def lost(error: BaseException) -> Exception:
    """What the others of a group are told where one of them cost them all their transaction."""
    if isinstance(error, StorageFull):
        return StorageFull(error.detail, fix=error.fix)
    return Unavailable("The write was given up; nothing was written.")


def acknowledge(group: list[Item]) -> None:
    """Tell everybody in the group, each on their own loop, what became of their write."""
    loops: dict[asyncio.AbstractEventLoop, list[Item]] = {}
    for item in group:
        loops.setdefault(item.loop, []).append(item)
    for loop, items in loops.items():
        # The loop may have been closed while its write was under way.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(resolve, items)


def resolve(items: list[Item]) -> None:
    """The same, on their loop."""
    for item in items:
        if item.future.done():
            continue
        if item.error is None:
            item.future.set_result(item.result)
        else:
            item.future.set_exception(item.error)
