"""The PostgreSQL engine: a pool for each of the two roles, planned statements in one round trip."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from sqlalchemy import Connection as SqlConnection
from sqlalchemy import Dialect, text
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.engine import URL
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from mainstay.base.deadlines import Deadlines
from mainstay.base.errors import ConfigurationError
from mainstay.base.tenant import Scope, TenantScope
from mainstay.storage.engines.postgres.connector import Connector
from mainstay.storage.engines.postgres.constraints import Constraints
from mainstay.storage.engines.postgres.failures import AWAY, INSUFFICIENT_PRIVILEGE, REFUSED, lost, translate
from mainstay.storage.engines.postgres.pool import Connection, Pool
from mainstay.storage.engines.postgres.pooler import Pooled
from mainstay.storage.engines.postgres.sessions import SessionEngines
from mainstay.storage.engines.postgres.writes import Writes, write_within
from mainstay.storage.options import DatabaseOptions
from mainstay.storage.sessions import AsyncTenantSession, TenantSession
from mainstay.storage.statement import Bound, Rows, Script, Statement, Values

T = TypeVar("T")


class PostgreSQL:
    """One PostgreSQL database under two roles: one for requests, bound by row security, and the tables' owner."""

    name = "postgresql"
    several_processes = True

    def __init__(self, url: URL, system_url: URL, options: DatabaseOptions) -> None:
        self.url, self.system_url, self.options = url, system_url, options
        self.dialect: Dialect = PGDialect_asyncpg()  # type: ignore[no-untyped-call]  # untyped upstream
        self.requests = Connector(url, options, "MAINSTAY_DATABASE_URL")
        self.system = Connector(system_url, options, "MAINSTAY_DATABASE_SYSTEM_URL")
        self.prepared = self.requests.prepared
        patience = options.acquire_timeout
        self._requests = Pool(self.requests.connect, options.pool_size, patience)
        self._system = Pool(self.system.connect, options.system_pool_size, patience)
        self._deadlines = Deadlines(options.statement_timeout)
        self._constraints = Constraints(self._system)
        self._tenant_writes = Writes(self._requests, self._constraints, self._deadlines, self.requests.prepared)
        self._system_writes = Writes(self._system, self._constraints, self._deadlines, self.system.prepared)
        self._sessions = SessionEngines(
            lambda scope: (self.requests if isinstance(scope, TenantScope) else self.system).connect_plain(),
            options.session_pool_size,
            patience,
            prepared=self.prepared,
        )

    @property
    def pooler(self) -> str | None:
        """What stands between requests and the server, once the database was opened; None: nothing."""
        found = self.requests.found
        return None if found is Pooled.NOTHING else found.value

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

    def figures(self) -> dict[str, float]:
        """What is in use and what waits, by pool and name: `requests_idle`, `system_waiting`."""
        pools = ("requests", self._requests), ("system", self._system)
        return {f"{role}_{name}": value for role, pool in pools for name, value in pool.figures().items()}

    async def hold(self, name: str) -> "HeldSession | None":
        """An advisory lock on a connection of its own; None while another session holds it."""
        try:
            connection = await self.system.connect()
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
            "postgresql+asyncpg://", async_creator=self.system.connect_plain, poolclass=NullPool
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
        except ProgrammingError as error:
            if getattr(error.orig, "sqlstate", None) != INSUFFICIENT_PRIVILEGE:
                raise
            raise self._not_the_owner(str(error.orig).rpartition(": ")[2].splitlines()[0]) from error
        finally:
            await engine.dispose()

    def _not_the_owner(self, told: str) -> ConfigurationError:
        role = self.owner_role or "its role"
        return ConfigurationError(
            f"{role} may not do this in the database: {told}.",
            fix="Name the role that owns the tables in MAINSTAY_DATABASE_SYSTEM_URL, or let this one make them: "
            f"GRANT CREATE ON SCHEMA public TO {role};",
        )

    async def open(self) -> None:
        """Connect and check the roles. Raises ConfigurationError."""
        with contextlib.ExitStack() as refused:
            requests = await self.requests.check()
            refused.callback(requests.terminate)
            if not self.options.relaxed:
                await _refuse_unbound(requests)
            system = await self.system.check()
            refused.callback(system.terminate)
            if self.system.found is not Pooled.NOTHING:
                raise ConfigurationError(
                    "The owner's connections go through a connection pooler. The relay's lock and migrations each "
                    "need a connection of their own: through a pooler two processes could hold the same lock.",
                    fix="Set MAINSTAY_DATABASE_SYSTEM_URL to PostgreSQL's own address; MAINSTAY_DATABASE_URL may stay.",
                )
            refused.pop_all()
        self._requests.adopt(requests)
        self._system.adopt(system)

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


class HeldSession:
    """An advisory lock: PostgreSQL lets go of it when the connection ends, however it ends."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def alive(self) -> bool:
        return not self._connection.is_closed()

    async def let_go(self) -> None:
        with contextlib.suppress(*AWAY):
            await self._connection.close(timeout=2)


async def _refuse_unbound(connection: Connection) -> None:
    async with connection.transaction():
        role = await connection.fetchrow(
            "SELECT rolname, rolsuper OR rolbypassrls FROM pg_catalog.pg_roles WHERE rolname = current_user"
        )
    if role[1]:
        raise ConfigurationError(
            f"The role {role[0]} is a superuser or bypasses row security, so tenants would not be kept apart.",
            fix="Put a role with NOSUPERUSER NOBYPASSRLS into MAINSTAY_DATABASE_URL, and the tables' owner into "
            "MAINSTAY_DATABASE_SYSTEM_URL.",
        )
