"""The PostgreSQL engine: a pool for each of the two roles, planned statements in one round trip."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

import asyncpg
from sqlalchemy import Connection as SqlConnection
from sqlalchemy import Dialect, text
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from mainstay.base.errors import ConfigurationError
from mainstay.base.tenant import Scope, TenantScope
from mainstay.storage.engines.postgres.constraints import Constraints
from mainstay.storage.engines.postgres.deadlines import Deadlines
from mainstay.storage.engines.postgres.failures import AWAY, REFUSED, lost, translate
from mainstay.storage.engines.postgres.pool import Connection, Pool
from mainstay.storage.engines.postgres.sessions import SessionEngines
from mainstay.storage.engines.postgres.writes import Writes, write_within
from mainstay.storage.options import DatabaseOptions
from mainstay.storage.sessions import AsyncTenantSession, TenantSession
from mainstay.storage.statement import Bound, Rows, Script, Statement, Values

T = TypeVar("T")


def dsn(url: URL) -> str:
    """The URL as asyncpg takes it, without Mainstay's own parameters."""
    plain = url.set(drivername="postgresql").difference_update_query(["prepared"])
    return plain.render_as_string(hide_password=False)


class PostgreSQL:
    """One PostgreSQL database under two roles: one for requests, bound by row security, and the tables' owner."""

    name = "postgresql"
    several_processes = True

    def __init__(self, url: URL, system_url: URL, options: DatabaseOptions) -> None:
        self.url, self.system_url, self.options = url, system_url, options
        self.dialect: Dialect = PGDialect_asyncpg()  # type: ignore[no-untyped-call]  # untyped upstream
        # PgBouncer below 1.21 loses prepared statements between transactions.
        self.prepared = url.query.get("prepared") != "off"
        patience = options.acquire_timeout
        self._requests = Pool(lambda: self.connect(url), options.pool_size, patience)
        self._system = Pool(lambda: self.connect(system_url), options.system_pool_size, patience)
        self._deadlines = Deadlines(options.statement_timeout)
        self._constraints = Constraints(self._system)
        self._tenant_writes = Writes(self._requests, self._constraints, self._deadlines, self.prepared)
        self._system_writes = Writes(self._system, self._constraints, self._deadlines, self.prepared)
        self._sessions = SessionEngines(
            lambda scope: self.connect_plain(url if isinstance(scope, TenantScope) else system_url),
            options.session_pool_size,
            patience,
        )

    @property
    def app_role(self) -> str | None:
        """The role that serves requests."""
        return self.url.username

    @property
    def owner_role(self) -> str | None:
        """The role that owns the tables."""
        return self.system_url.username

    def session(self, scope: Scope) -> AsyncTenantSession:
        """An asynchronous session of this scope."""
        return self._sessions.session(scope)

    def sync_session(self, scope: Scope) -> TenantSession:
        """A synchronous session of this scope."""
        return self._sessions.sync_session(scope)

    async def hold(self, name: str) -> "HeldSession | None":
        """An advisory lock on a connection of its own; None while another session holds it."""
        try:
            connection = await self.connect(self.system_url)
        except REFUSED:
            return None
        try:
            if await connection.fetchval("SELECT pg_try_advisory_lock(hashtextextended($1, 0))", f"mainstay:{name}"):
                return HeldSession(connection)
        except BaseException:
            # Also when the relay is stopped at this very moment: nobody else knows of this connection.
            connection.terminate()
            raise
        connection.terminate()
        return None

    async def administer(self, work: Callable[[SqlConnection], T], *, changes: bool = True) -> T:
        """Run `work` on a SQLAlchemy connection of the owner, in one transaction; rolled back unless `changes`."""
        engine = create_async_engine(
            "postgresql+asyncpg://", async_creator=lambda: self.connect_plain(self.system_url), poolclass=NullPool
        )
        try:
            async with engine.connect() as connection:
                # One migration at a time: the others wait here.
                await connection.execute(text("SELECT pg_advisory_xact_lock(7308332045)"))
                await connection.execute(text("SELECT set_config('mainstay.system', 'on', true)"))
                result = await connection.run_sync(work)
                await (connection.commit() if changes else connection.rollback())
                return result
        except AWAY as error:
            raise translate(error) from error
        finally:
            await engine.dispose()

    async def connect_plain(self, url: URL) -> Connection:
        """A connection for SQLAlchemy, which brings its own codecs and caches."""
        wait = self.options.acquire_timeout
        return await _finished(asyncpg.connect(dsn(url), timeout=wait, statement_cache_size=0))

    async def connect(self, url: URL) -> Connection:
        """A connection whose uuid values are text, as json ones are anyway."""
        return await _finished(self._connect(url))

    async def _connect(self, url: URL) -> Connection:
        connection = await asyncpg.connect(
            dsn(url),
            timeout=self.options.acquire_timeout,
            statement_cache_size=1024 if self.prepared else 0,
            max_cached_statement_lifetime=0,
            max_cacheable_statement_size=0,
        )
        # The driver's own codec for text: one of ours would be called for each value, 15 µs a list of twenty.
        await connection.set_builtin_type_codec("uuid", schema="pg_catalog", codec_name="text", format="text")
        return connection

    async def open(self) -> None:
        """Connect and check the role. Raises ConfigurationError."""
        try:
            connection = await self.connect(self.url)
        except AWAY as error:
            raise ConfigurationError(
                f"The database at {self._place()} cannot be reached: {error or type(error).__name__}.",
                fix="Start PostgreSQL, or correct MAINSTAY_DATABASE_URL.",
            ) from error
        except asyncpg.PostgresError as error:
            raise ConfigurationError(
                f"The database at {self._place()} refuses the connection: {error}.",
                fix="Create the role and the database, or correct MAINSTAY_DATABASE_URL.",
            ) from error
        try:
            role = await connection.fetchrow(
                "SELECT rolname, rolsuper OR rolbypassrls FROM pg_catalog.pg_roles WHERE rolname = current_user"
            )
        finally:
            await connection.close()
        if role[1] and not self.options.relaxed:
            raise ConfigurationError(
                f"The role {role[0]} is a superuser or bypasses row security, so tenants would not be kept apart.",
                fix="Put a role with NOSUPERUSER NOBYPASSRLS into MAINSTAY_DATABASE_URL, and the tables' owner into "
                "MAINSTAY_DATABASE_SYSTEM_URL.",
            )

    def _place(self) -> str:
        return f"{self.url.host or 'the local socket'}:{self.url.port or 5432}/{self.url.database or ''}"

    async def close(self) -> None:
        """Close every connection."""
        await self._sessions.close()
        await self._requests.close()
        await self._system.close()
        self._deadlines.close()

    async def ping(self) -> None:
        """Raises Unavailable unless the server answers."""
        await self._fetch(self._requests, "SELECT 1", ())

    def fetch_now(self, scope: Scope, statement: Statement, values: Values) -> Rows | None:
        """None: a server has to be waited for."""
        return None

    def again_now(self, bound: Bound, arguments: Any) -> Rows | None:
        """None, as fetch_now."""
        return None

    def fetch(self, scope: Scope, statement: Statement, values: Values) -> Coroutine[Any, Any, Rows]:
        """The rows, in one round trip."""
        pool = self._requests if type(scope) is TenantScope else self._system
        return self._fetch(pool, statement.sql, statement.bind(scope, values))

    async def _fetch(self, pool: Pool, sql: str, arguments: Any) -> Rows:
        deadlines = self._deadlines
        for last in (False, True):
            connection = pool.take() or await pool.acquire()
            task, back = deadlines.begin(), pool.give
            try:
                if self.prepared:
                    return await connection.fetch(sql, *arguments)  # type: ignore[no-any-return]  # records stand in for tuples
                # Without a transaction the pooler may send parse and execute to different servers.
                async with connection.transaction():
                    return await connection.fetch(sql, *arguments)  # type: ignore[no-any-return]  # as above
            except asyncio.CancelledError:
                if not deadlines.passed(task):
                    raise
                back = pool.retire
                raise translate(TimeoutError()) from None
            except Exception as error:
                if last or not lost(error):
                    raise translate(error) from error
                connection.terminate()
            finally:
                deadlines.end(task)
                back(connection)
        raise AssertionError("Unreachable: the second try returns or raises.")

    async def write(
        self, scope: Scope, script: Script[T], *, single: bool = False, within: Callable[..., Any] | None = None
    ) -> T:
        """Run the script in one transaction; a single statement that sets its own scope needs none around it."""
        if within is not None:
            return await write_within(self._sessions.async_engine(scope), scope, script, within, self._constraints)
        writes = self._tenant_writes if type(scope) is TenantScope else self._system_writes
        return await writes.write(scope, script, single=single)


async def _finished(connecting: Awaitable[Connection]) -> Connection:
    """Wait for a connection. Cancelled, let it come to its end and drop it: half a handshake cannot be cancelled."""
    task = asyncio.ensure_future(connecting)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        with contextlib.suppress(*REFUSED):
            (await task).terminate()
        raise


class HeldSession:
    """An advisory lock: PostgreSQL lets go of it when the connection ends, however it ends."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def alive(self) -> bool:
        return not self._connection.is_closed()

    async def let_go(self) -> None:
        with contextlib.suppress(*AWAY):
            await self._connection.close(timeout=2)
