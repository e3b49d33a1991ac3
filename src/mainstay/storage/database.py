"""The database: planned statements and scripts, over SQLite or PostgreSQL."""

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from sqlalchemy import Connection, Dialect
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.orm import Session

from mainstay.base.errors import ConfigurationError
from mainstay.base.tenant import Scope
from mainstay.storage.engines.sqlite import SQLite
from mainstay.storage.engines.told import Listener, TellingEngine
from mainstay.storage.engines.watched import WatchedEngine
from mainstay.storage.options import DatabaseOptions
from mainstay.storage.ports import Engine, StatementWatch
from mainstay.storage.sessions import AsyncTenantSession, TenantSession
from mainstay.storage.statement import Bound, Raw, Rows, Script, Statement, Values

T = TypeVar("T")


class Database:
    """One database. Every call asks for a scope; the tenant is bound from it and from nowhere else.

    Rows are tuples of driver values in SELECT order (PostgreSQL: asyncpg records, which index and unpack the same);
    `statement.read(rows)` gives Python values.
    """

    def __init__(self, engine: Engine, options: DatabaseOptions) -> None:
        self.engine = engine
        self.options = options
        self.is_open = False  # between open() and close()
        # Bound once: an attribute lookup less on the hottest path.
        self.fetch_now: Callable[[Scope, Statement, Values], Rows | None] = engine.fetch_now
        self.again_now: Callable[[Bound, Any], Rows | None] = engine.again_now

    @property
    def name(self) -> str:
        """`sqlite` or `postgresql`."""
        return self.engine.name

    @property
    def dialect(self) -> Dialect:
        """What statements are compiled for."""
        return self.engine.dialect

    @property
    def several_processes(self) -> bool:
        """Whether more than one process may serve this database (False: SQLite before 3.51.3)."""
        return self.engine.several_processes

    @property
    def app_role(self) -> str | None:
        """The database role that serves requests, where the database has roles."""
        return self.engine.app_role

    @property
    def owner_role(self) -> str | None:
        """The database role that owns the tables, where the database has roles."""
        return self.engine.owner_role

    async def administer(self, work: Callable[[Connection], T], *, changes: bool = True) -> T:
        """Run `work` on a SQLAlchemy connection as the tables' owner, in one transaction: for migrations.

        The database need not be open. With `changes=False` everything is rolled back.
        """
        return await self.engine.administer(work, changes=changes)

    def watch(self, watch: StatementWatch, *, every: bool = False) -> None:
        """Time statements, and tell this one of those that are slow; of all that it follows, if `every` may be asked
        for. To be called before the database is opened."""
        watched: Any = WatchedEngine(self.engine, watch, every=every)
        self.engine = watched
        self.fetch_now, self.again_now = watched.fetch_now, watched.again_now

    def on_commit(self, listener: Listener) -> None:
        """Have this one told what is recorded in the outbox and committed here, before the writer's call returns.

        It may be told too much, on any thread, and of nothing that other processes write.
        """
        telling: Any = TellingEngine(self.engine, listener)
        self.engine = telling

    async def open(self) -> None:
        """Connect. Raises ConfigurationError, saying what to do, where the database cannot be used."""
        await self.engine.open()
        self.is_open = True

    async def close(self) -> None:
        """Finish writes under way and disconnect."""
        self.is_open = False
        await self.engine.close()

    async def ping(self) -> None:
        """Raises Unavailable unless the database answers now."""
        await self.engine.ping()

    def fetch(
        self, scope: Scope, statement: Statement, values: Values, *, raw: bool = False
    ) -> Coroutine[Any, Any, Rows]:
        """Run one query. `raw` promises that the values are the driver's own. Raises Unavailable on a timeout."""
        return self.engine.fetch(scope, statement, Raw(values) if raw else values)

    async def write(
        self,
        scope: Scope,
        script: Script[T],
        *,
        single: bool = False,
        within: Callable[[Session], Any] | None = None,
    ) -> T:
        """Run the script in one transaction and return its result after the commit.

        The script yields `(statement, values)` and is sent the rows. Whatever it raises rolls everything back and is
        raised here. A refused statement is thrown into it as UniqueClash, ReferenceMissing or CheckFailed, for it to
        translate. `single` promises exactly one statement. `within` runs after the script, in its transaction, with
        a session of this scope; it is synchronous and has 250 ms.
        """
        return await self.engine.write(scope, script, single=single, within=within)

    def session(self, scope: Scope) -> AsyncTenantSession:
        """An ORM session of this scope, to be used with `async with`. It reads until its first flush.

        Core and text statements go through `sql.unsafe(...)`; rows flushed are stamped, verified and recorded.
        """
        return self.engine.session(scope)

    def sync_session(self, scope: Scope) -> TenantSession:
        """The same for synchronous code, on any thread."""
        return self.engine.sync_session(scope)


def open_database(options: DatabaseOptions) -> Database:
    """The database that the URL names, not yet connected. Raises ConfigurationError for a URL it cannot serve."""
    try:
        url, system = (_named(make_url(text)) for text in (options.url, options.system_url or options.url))
    except ArgumentError:
        raise ConfigurationError(
            "MAINSTAY_DATABASE_URL is not a database URL.", fix="Write sqlite:///app.db or postgresql://user@host/name."
        ) from None
    match url.get_backend_name():
        case "sqlite":
            return Database(SQLite(url, options), options)
        case "postgresql":
            return Database(_postgresql(url, system, options), options)
        case other:
            raise ConfigurationError(
                f"MAINSTAY_DATABASE_URL names {other}, which Mainstay does not run on.",
                fix="Use sqlite:///app.db or postgresql://user@host/name.",
            )


def _named(url: URL) -> URL:
    """`postgres://` is how libpq and many a platform write `postgresql://`."""
    return url.set(drivername="postgresql") if url.drivername == "postgres" else url


def _postgresql(url: URL, system_url: URL, options: DatabaseOptions) -> Engine:
    try:
        # Lazy: the driver is an extra.
        from mainstay.storage.engines.postgres import PostgreSQL  # noqa: PLC0415  an extra
    except ModuleNotFoundError as missing:
        if missing.name != "asyncpg":
            raise
        raise ConfigurationError(
            "MAINSTAY_DATABASE_URL names PostgreSQL, but its driver is not installed.",
            fix="pip install 'mainstay[postgres]', or use sqlite:///app.db.",
        ) from None
    return PostgreSQL(url, system_url, options)
