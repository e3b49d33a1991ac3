"""Single statements and short scripts written on the event loop, by the connection that reads there.

A commit by any other connection voids the reader's page cache, and a thread that writes beside a busy loop is long in
getting the interpreter back at each step: measured, a write cost the reads around it more than itself. So the loop
writes single statements itself and commits them without waiting for the disk (`synchronous=NORMAL`: the file is whole
after a crash, the last commits may be missing). A thread then has the kernel bring the write-ahead log to the disk
(fdatasync), for all that was committed meanwhile, and only then is anybody told that their write is done.
https://sqlite.org/pragma.html#pragma_synchronous, https://sqlite.org/wal.html
"""

import asyncio
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mainstay.base.errors import StorageFull, Unavailable
from mainstay.storage.engines.sqlite.connect import Connection
from mainstay.storage.engines.sqlite.failures import translate
from mainstay.storage.engines.sqlite.library import sqlite
from mainstay.storage.engines.sqlite.lock import FairLock
from mainstay.storage.engines.sqlite.syncing import Syncing
from mainstay.storage.engines.sqlite.writer import Item, resolve, run_statement
from mainstay.storage.statement import Rows, Script, Statement, refuse

log = logging.getLogger("mainstay.storage")
# More would hold up the loop for too long: one takes 50 to 100 µs.
LARGEST_GROUP = 32
# A short script counts for so many.
SHORT = 8
_WRITTEN_HERE = ("INSERT", "UPDATE")
_READING = frozenset(
    getattr(sqlite, f"SQLITE_{name}") for name in ("SELECT", "READ", "FUNCTION", "RECURSIVE", "TRANSACTION")
)
_PRAGMA: int = sqlite.SQLITE_PRAGMA
_ALLOWED: int = sqlite.SQLITE_OK
_DENIED: int = sqlite.SQLITE_DENY
# Full-text search asks for it within a read.
_LOOKED_AT = "data_version"
Taken = tuple[Item, Statement, Any]


class LoopWriter:
    """Writes single statements and short scripts in groups: all that waits when the loop comes round, in one
    transaction, with one fdatasync.

    Whatever cannot be done at once (another writer has the lock, a statement outlives the loop's deadline, one of a
    group fails half way) is handed to `submit`, the writer's thread, as if it had never been here.
    """

    def __init__(
        self,
        connection: Connection,
        connect: Callable[[], Connection],
        path: Path,
        lock: FairLock,
        deadline: float,
        submit: Callable[[Item], None],
    ) -> None:
        self._connection, self._lock, self._deadline, self._submit = connection, lock, deadline, submit
        self._loop = asyncio.get_running_loop()
        self._writing = False
        # Not query_only in between: to switch it makes SQLite compile every statement anew.
        connection.execute("PRAGMA query_only=OFF")
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute("PRAGMA wal_autocheckpoint=0").fetchall()
        self._waiting: list[Item] = []
        self._busy = False
        self._syncing: Syncing = Syncing(path, connect, self._synced)
        connection.set_authorizer(self._authorize)

    def _authorize(self, action: int, what: str | None, *_: Any) -> int:
        """Whether a statement may be compiled: one that changes anything only in a turn of ours.

        https://sqlite.org/c3ref/set_authorizer.html
        """
        looks = action in _READING or (action == _PRAGMA and what == _LOOKED_AT)
        return _ALLOWED if looks or self._writing else _DENIED

    def takes(self, loop: asyncio.AbstractEventLoop) -> bool:
        """Whether writes of this loop are its business."""
        return loop is self._loop

    def write(self, item: Item) -> None:
        """Write with the next group; the item's future tells when it is on the disk."""
        self._waiting.append(item)
        if not self._busy:
            self._busy = True
            self._loop.call_soon(self._next)

    def waiting(self) -> int:
        """How many items nobody has begun to write."""
        return len(self._waiting)

    async def stop(self) -> None:
        """Hand on what waits, and bring to the disk what is committed."""
        waiting, self._waiting = self._waiting, []
        for item in waiting:
            self._submit(item)
        await asyncio.to_thread(self._syncing.stop)

    def _next(self) -> None:
        size = _size(self._waiting)
        group, self._waiting = self._waiting[:size], self._waiting[size:]
        try:
            done = self._write([item for item in group if not item.future.cancelled()])
        except Exception as error:
            # Nobody may be left waiting, whatever went wrong.
            for item in group:
                item.error = item.error or error
            resolve(group)
            done = []
        if done:
            self._syncing.submit(done)
        elif self._waiting:
            self._loop.call_soon(self._next)
        else:
            self._busy = False

    def _synced(self, group: list[Item]) -> None:
        resolve(group)
        if self._waiting:
            self._next()
        else:
            self._busy = False

    def _write(self, group: list[Item]) -> list[Item]:
        """Write the group; gives those that have to be acknowledged, which leaves out what was handed on."""
        taken = self._begun(group)
        if not taken:
            return []
        if not self._lock.try_acquire():
            return self._hand_on(taken)
        connection = self._connection
        connection.deadline = time.monotonic() + self._deadline
        try:
            self._writing = True
            connection.execute("BEGIN IMMEDIATE")
            for item, statement, values in taken:
                if item.anew is None:
                    self._run(item, statement, values)
                else:
                    self._run_short(item, statement, values)
            connection.execute("COMMIT")
        except (sqlite.Error, _HalfDone):
            if connection.in_transaction:
                connection.rollback()
            return self._hand_on(taken)
        finally:
            self._writing = False
            connection.deadline = float("inf")
            self._lock.release()
        return [item for item, *_ in taken]

    def _begun(self, group: list[Item]) -> list[Taken]:
        """The statement of each script, of those that are for this place."""
        taken: list[Taken] = []
        for item in group:
            try:
                statement, values = item.context.run(next, item.script)
            except StopIteration as done:
                item.result = done.value
                resolve([item])
            except Exception as error:
                item.error = error
                resolve([item])
            else:
                found = (item, statement, values)
                if item.anew is not None or (statement.sql or statement.parts[0].sql).startswith(_WRITTEN_HERE):
                    taken.append(found)
                else:
                    self._hand_on([found])
        return taken

    def _run(self, item: Item, statement: Statement, values: Any) -> None:
        """Run the statement, and its script to the end. Raises _HalfDone where the transaction cannot go on."""
        connection = self._connection
        before = connection.total_changes
        try:
            rows = run_statement(connection, item.scope, statement, values)
            item.result = item.context.run(_finished, item.script, rows)
            item.script = None
        except (sqlite.Error, OverflowError) as error:
            refusal = translate(error)
            if not connection.in_transaction or connection.total_changes != before or _passes(error, refusal):
                raise _HalfDone from error
            # Refused before anything was changed: the others of the group need not mind.
            try:
                item.context.run(refuse, item.script, refusal)
            except Exception as refused:
                item.error = refused
        except Exception as error:
            item.error = error
            item.script.close()
            if connection.total_changes != before:
                raise _HalfDone from error

    def _run_short(self, item: Item, statement: Statement, values: Any) -> None:
        """Run all statements of the script, or none. Raises _HalfDone where the transaction cannot go on."""
        connection = self._connection
        connection.execute("SAVEPOINT item")
        try:
            while True:
                rows = run_statement(connection, item.scope, statement, values)
                try:
                    statement, values = item.context.run(item.script.send, rows)
                except StopIteration as done:
                    item.result = done.value
                    break
        except (sqlite.Error, OverflowError) as error:
            refusal = translate(error)
            if not connection.in_transaction or _passes(error, refusal):
                raise _HalfDone from error
            try:
                item.context.run(refuse, item.script, refusal)
            except Exception as refused:
                item.error = refused
        except Exception as error:
            item.error = error
        if item.error is not None:
            connection.execute("ROLLBACK TO item")
        connection.execute("RELEASE item")

    def _hand_on(self, taken: list[Taken]) -> list[Item]:
        for item, statement, values in taken:
            if item.error is not None:
                resolve([item])
                continue
            if item.anew is not None:
                item.anew()
                item.result = None
                self._submit(item)
                continue
            item.script = _as_before(item.script, item.result, statement, values)
            item.result = None
            self._submit(item)
        return []


class _HalfDone(Exception):
    """The transaction cannot be kept; nothing of it is written."""


def _size(waiting: list[Item]) -> int:
    """How many of those that wait make a group."""
    weight = 0
    for index, item in enumerate(waiting):
        weight += 1 if item.anew is None else SHORT
        if weight > LARGEST_GROUP:
            return index
    return len(waiting)


def _passes(error: Exception, refusal: Exception) -> bool:
    """Whether the same statement may do better on the writer's thread: anything but a refusal of its values."""
    return refusal is error or isinstance(refusal, Unavailable | StorageFull)


def _finished(script: Script[Any], rows: Rows) -> Any:
    """What the script makes of its only statement's rows."""
    try:
        script.send(rows)
    except StopIteration as done:
        return done.value
    script.close()
    raise RuntimeError("A script that promised a single statement went on after it.")


def _as_before(script: Any, result: Any, statement: Statement, values: Any) -> Script[Any]:
    """A script as it was before its statement was taken; for one that has come to its end (None) the same outcome."""
    try:
        rows = yield statement, values
    except GeneratorExit:
        if script is not None:
            script.close()
        raise
    except Exception as error:
        if script is None:
            raise
        refuse(script, error)
    return result if script is None else _finished(script, rows)
