"""The SQLite engine: one file, its readers, its writer."""

import asyncio
import os
from collections.abc import Callable
from contextvars import copy_context
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection as SqlConnection
from sqlalchemy import Dialect, create_engine
from sqlalchemy.engine import URL
from sqlalchemy.orm import Session
from sqlalchemy.pool import StaticPool

from mainstay.base.errors import ConfigurationError, Unavailable
from mainstay.base.tenant import Scope, TenantScope
from mainstay.storage.engines.sqlite.connect import (
    Connection,
    check_folder,
    claim_alone,
    guard_file,
    open_connection,
    safe_for_processes,
)
from mainstay.storage.engines.sqlite.dialect import SessionConnection, SQLiteDialect
from mainstay.storage.engines.sqlite.failures import translate
from mainstay.storage.engines.sqlite.library import sqlite
from mainstay.storage.engines.sqlite.lock import FairLock, HeldFile
from mainstay.storage.engines.sqlite.loop_writer import LoopWriter
from mainstay.storage.engines.sqlite.readers import Late, LoopReader, ReaderThreads
from mainstay.storage.engines.sqlite.sessions import SessionEngines, run_within
from mainstay.storage.engines.sqlite.writer import Item, Writer
from mainstay.storage.options import DatabaseOptions
from mainstay.storage.sessions import AsyncTenantSession, TenantSession
from mainstay.storage.statement import Bound, Rows, Script, Statement, Values

T = TypeVar("T")
MIGRATION_PATIENCE = 120.0


class SQLite:
    """One SQLite file. Opened and used from one event loop; sessions and scripts may come from any thread."""

    name = "sqlite"
    app_role: str | None = None
    owner_role: str | None = None

    def __init__(self, url: URL, options: DatabaseOptions) -> None:
        if not url.database or url.database == ":memory:":
            raise ConfigurationError(
                "MAINSTAY_DATABASE_URL names no file, and a database in memory cannot be shared by connections.",
                fix="Name one: sqlite:///app.db",
            )
        self.path = Path(os.path.abspath(url.database))
        self.options = options
        self.dialect: Dialect = SQLiteDialect()
        self.lock = FairLock(self.path)
        self.several_processes = safe_for_processes()
        self._sessions = SessionEngines(self.connect_session, options.session_pool_size, options.lock_timeout)
        self._alone: int | None = None
        self._reader: LoopReader | None = None
        self._threads: ReaderThreads | None = None
        self._late = Late()
        self._writer: Writer | None = None
        self._loop_writer: LoopWriter | None = None

    async def open(self) -> None:
        """Create the file if need be and get ready. Raises ConfigurationError with what to do."""
        check_folder(self.path)
        options = self.options
        try:
            self._alone = claim_alone(self.path)
            self.lock.open()
            writer = Writer(self.connect, self.lock, options.lock_timeout, options.statement_timeout)
            writer.start()
            self._writer = writer
            self._reader = LoopReader(self.path, options.loop_deadline)
            self._loop_writer = LoopWriter(
                self._reader.connection, self.connect, self.path, self.lock, options.loop_deadline, writer.submit
            )
            self._threads = ReaderThreads(self.path, options.reader_threads, options.statement_timeout)
        except (sqlite.Error, OSError) as error:
            await self.close()
            raise ConfigurationError(
                f"The database {self.path} cannot be opened: {error}.",
                fix="See that it is a SQLite file, that its folder is writable, and that no other program locks it.",
            ) from error
        guard_file(self.path)

    async def close(self) -> None:
        """Finish what is being written and let go of the file."""
        writer, reader, threads, on_loop = self._writer, self._reader, self._threads, self._loop_writer
        self._writer = self._reader = self._threads = self._loop_writer = None
        await self._sessions.close()
        if on_loop is not None:
            await on_loop.stop()
        if writer is not None:
            await asyncio.to_thread(writer.stop)
        if threads is not None:
            await asyncio.to_thread(threads.close)
        if reader is not None:
            reader.close()
        self.lock.close()
        if self._alone is not None:
            os.close(self._alone)
            self._alone = None

    async def ping(self) -> None:
        """Raises Unavailable unless the file can be read."""
        if not self.path.exists():
            raise Unavailable("The database is away.", fix=f"The file {self.path} is missing.")
        await self._open_threads().fetch("SELECT count(*) FROM sqlite_schema", ())

    def fetch_now(self, scope: Scope, statement: Statement, values: Values) -> Rows | None:
        """The rows, without leaving the loop; None for a slow statement or one that outlived the loop's deadline."""
        if statement.slow or self._reader is None or (self._late and self._late.holds(whose(scope), statement.sql)):
            return None
        rows = self._reader.fetch(statement.sql, statement.bind(scope, values))
        if rows is None or self._late:
            self._late.tried(whose(scope), statement.sql, late=rows is None, allowed=self._reader.allowed)
        return rows

    def again_now(self, bound: Bound, arguments: Any) -> Rows | None:
        """As fetch_now, for a statement that is bound already."""
        sql = bound.statement.sql
        if self._reader is None or (self._late and self._late.holds(whose(bound.scope), sql)):
            return None
        rows = self._reader.fetch(sql, arguments)
        if rows is None or self._late:
            self._late.tried(whose(bound.scope), sql, late=rows is None, allowed=self._reader.allowed)
        return rows

    async def fetch(self, scope: Scope, statement: Statement, values: Values) -> Rows:
        """The rows; a slow statement goes to the reader threads."""
        rows = self.fetch_now(scope, statement, values)
        if rows is not None:
            return rows
        return await self._open_threads().fetch(statement.sql, statement.bind(scope, values), whose(scope))

    async def write(
        self,
        scope: Scope,
        script: Script[T],
        *,
        single: bool = False,
        within: Callable[[Session], Any] | None = None,
    ) -> T:
        """Queue the script for the writer; returns after the commit that holds it."""
        if self._writer is None:
            raise Unavailable("The database is closed.")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        hook = None if within is None else lambda connection: run_within(connection, scope, within)
        short = getattr(script, "begin_anew", None)
        item = Item(scope, script, copy_context(), loop, future, hook, anew=short)
        on_loop = self._loop_writer if (single or short is not None) and hook is None else None
        if on_loop is not None and on_loop.takes(loop):
            on_loop.write(item)
        else:
            self._writer.submit(item)
        return await future

    def session(self, scope: Scope) -> AsyncTenantSession:
        """An asynchronous session of this scope."""
        return self._sessions.session(scope)

    def sync_session(self, scope: Scope) -> TenantSession:
        """A synchronous session of this scope."""
        return self._sessions.sync_session(scope)

    def figures(self) -> dict[str, float]:
        """What waits, by name."""
        return {
            "writer_queue": float(sum(each.waiting() for each in (self._writer, self._loop_writer) if each is not None))
        }

    async def hold(self, name: str) -> "HeldFile | None":
        """A lock beside the database file, `<db>-<name>`; None while another process holds it."""
        return HeldFile.take(Path(f"{self.path}-{name}"))

    async def administer(self, work: Callable[[SqlConnection], T], *, changes: bool = True) -> T:
        """Run `work` on a SQLAlchemy connection in one transaction, on a thread; rolled back unless `changes`."""
        return await asyncio.to_thread(self._administer, work, changes)

    def _administer(self, work: Callable[[SqlConnection], T], changes: bool) -> T:
        check_folder(self.path)
        lent = not self.lock.is_open
        if lent:
            self.lock.open()
        raw = self.connect_session()
        raw.patience = MIGRATION_PATIENCE
        engine = create_engine("sqlite+mainstay://", creator=lambda: raw, poolclass=StaticPool)
        try:
            # Rebuilding a table drops the old one, which must not cascade; references are checked before the commit.
            raw.execute("PRAGMA foreign_keys=OFF")
            with engine.connect() as connection:
                # After SQLAlchemy's first look at the connection, which ends with a rollback.
                raw.begin_writing()
                result = work(connection)
                if changes:
                    _check_references(raw)
                    connection.commit()
                return result
        except sqlite.Error as error:
            raise translate(error) from error
        finally:
            raw.rollback()
            engine.dispose()
            raw.close()
            if lent:
                self.lock.close()

    def connect_session(self) -> SessionConnection:
        """A new connection for a session: it only reads until its first change, which takes the lock."""
        wait = self.options.lock_timeout
        connection = open_connection(self.path, reads_only=False, busy_timeout=wait, factory=SessionConnection)
        connection.lock, connection.patience = self.lock, wait
        return connection

    def connect(self) -> Connection:
        """A new connection that may write, under the lock."""
        return open_connection(self.path, reads_only=False, busy_timeout=self.options.lock_timeout, factory=Connection)

    def _open_threads(self) -> ReaderThreads:
        if self._threads is None:
            raise Unavailable("The database is closed.")
        return self._threads


def whose(scope: Scope) -> str:
    """Whose turn a statement takes on the reader threads: its tenant's."""
    return scope.key if type(scope) is TenantScope else ""


def _check_references(connection: SessionConnection) -> None:
    broken = connection.execute("PRAGMA foreign_key_check").fetchone()
    if broken is not None:
        raise ConfigurationError(
            f"Rows of {broken[0]} would refer to rows of {broken[2]} that do not exist.",
            fix="Correct those rows first; nothing was changed.",
        )
