"""SQLAlchemy engines for sessions on PostgreSQL: asyncpg for both kinds, through a portal for the synchronous."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Engine, create_engine, text
from sqlalchemy.dialects.postgresql.asyncpg import AsyncAdapt_asyncpg_connection
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.orm import Session

from mainstay.base.errors import Unavailable
from mainstay.base.tenant import Scope, TenantScope
from mainstay.storage.engines.postgres.portal import Portal, PortalConnection
from mainstay.storage.sessions import AsyncTenantSession, TenantSession
from mainstay.storage.statement import Rows

WITHIN_SECONDS = 0.25
Connect = Callable[[Scope], Awaitable[Any]]


class SessionEngines:
    """The engines that sessions are bound to, one pair a role, made when first asked for."""

    def __init__(self, connect: Connect, size: int, patience: float, *, prepared: bool) -> None:
        self._connect, self._size, self._patience = connect, size, patience
        # Behind a pooler that loses them, statements are prepared anew each time, under names nobody else uses.
        self._statements: dict[str, Any] = (
            {} if prepared else {"prepared_statement_cache_size": 0, "prepared_statement_name_func": _own_name}
        )
        self._async: dict[bool, AsyncEngine] = {}
        self._sync: dict[bool, Engine] = {}
        self._portal: Portal | None = None

    def session(self, scope: Scope) -> AsyncTenantSession:
        """An asynchronous session of this scope."""
        return AsyncTenantSession(self.async_engine(scope), scope=scope, expire_on_commit=False)

    def sync_session(self, scope: Scope) -> TenantSession:
        """A synchronous session of this scope."""
        return TenantSession(self._sync_engine(scope), scope=scope, expire_on_commit=False)

    async def close(self) -> None:
        """Close every connection that no session holds."""
        for engine in self._async.values():
            await engine.dispose()
        for sync in self._sync.values():
            # On a thread: closing a connection waits for the portal.
            await asyncio.to_thread(sync.dispose)
        if self._portal is not None:
            await asyncio.to_thread(self._portal.close)
        self._async, self._sync, self._portal = {}, {}, None

    def async_engine(self, scope: Scope) -> AsyncEngine:
        """The engine of the scope's role."""
        bound = isinstance(scope, TenantScope)
        if bound not in self._async:
            self._async[bound] = create_async_engine(
                "postgresql+asyncpg://",
                connect_args={"async_creator_fn": partial(self._connect, scope), **self._statements},
                pool_size=self._size,
                max_overflow=0,
                pool_timeout=self._patience,
                pool_pre_ping=True,
            )
        return self._async[bound]

    def _sync_engine(self, scope: Scope) -> Engine:
        bound = isinstance(scope, TenantScope)
        if bound not in self._sync:
            portal = self._portal = self._portal or Portal()
            engine: Engine = create_engine(
                "postgresql+mainstay_portal://",
                creator=lambda: PortalConnection(portal, portal.run(self._adapted(engine, scope))),
                pool_size=self._size,
                max_overflow=0,
                pool_timeout=self._patience,
                pool_pre_ping=True,
            )
            self._sync[bound] = engine
        return self._sync[bound]

    async def _adapted(self, engine: Engine, scope: Scope) -> Any:
        return await AsyncAdapt_asyncpg_connection.create(
            engine.dialect.dbapi, self._connect(scope), **self._statements
        )


def _own_name() -> str:
    return f"__mainstay_{uuid4()}__"


async def set_scope(connection: AsyncConnection, scope: Scope) -> None:
    """Begin a transaction in this scope."""
    if isinstance(scope, TenantScope):
        setting = text("SELECT set_config('mainstay.tenant', :tenant, true)").bindparams(tenant=scope.key)
    else:
        setting = text("SELECT set_config('mainstay.system', 'on', true)")
    await connection.execute(setting)


def as_text(rows: list[Any]) -> Rows:
    """Rows of a connection with SQLAlchemy's codecs, as those of the planned pools: uuid as text."""
    return [tuple(str(value) if isinstance(value, UUID) else value for value in row) for row in rows]


async def run_within(connection: AsyncConnection, scope: Scope, hook: Callable[[Session], Any]) -> None:
    """Run a synchronous hook in this transaction. Raises Unavailable when it takes longer than 250 ms."""

    def work(sync: Any) -> None:
        with TenantSession(sync, scope=scope, expire_on_commit=False, join_transaction_mode="rollback_only") as session:
            hook(session)
            session.flush()

    loop = asyncio.get_running_loop()
    began = loop.time()
    try:
        async with asyncio.timeout(WITHIN_SECONDS):
            await connection.run_sync(work)
        late = loop.time() - began > WITHIN_SECONDS
    except TimeoutError:
        late = True
    if late:
        raise Unavailable(
            "The write took too long; nothing was written.",
            fix="A hook inside the transaction ran for over 250 ms while every other writer waited: make it shorter.",
        )
