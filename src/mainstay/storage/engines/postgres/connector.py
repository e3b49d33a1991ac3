"""Connections as one role: made, and looked at when the app starts."""

import asyncio
from collections.abc import Awaitable

import asyncpg
from sqlalchemy.engine import URL

from mainstay.base.errors import ConfigurationError
from mainstay.storage.engines.postgres.failures import AWAY
from mainstay.storage.engines.postgres.pool import Connection
from mainstay.storage.engines.postgres.pooler import Pooled, pooled
from mainstay.storage.options import DatabaseOptions


class Connector:
    """Makes connections to one URL. `setting` is the name under which an operator knows it.

    `?prepared=off` in the URL: nothing is kept on a connection from one transaction to the next.
    """

    def __init__(self, url: URL, options: DatabaseOptions, setting: str) -> None:
        self.url, self.setting = url, setting
        # What stands between, once `check` has looked.
        self.found = Pooled.NOTHING
        self._patience = options.acquire_timeout
        self.prepared = url.query.get("prepared") != "off"
        self._dsn = dsn(url)

    async def connect(self) -> Connection:
        """A connection whose uuid values are text, as json ones are anyway."""
        return await _finished(self._connect())

    async def connect_plain(self) -> Connection:
        """A connection for SQLAlchemy, which brings its own codecs and caches."""
        return await _finished(asyncpg.connect(self._dsn, timeout=self._patience, statement_cache_size=0))

    async def check(self) -> Connection:
        """A connection through which the app can work. Raises ConfigurationError with what to do."""
        try:
            connection = await self.connect()
        except AWAY as error:
            raise ConfigurationError(
                f"The database at {self._place()} cannot be reached: {error or type(error).__name__}.",
                fix=f"Start PostgreSQL, or correct {self.setting}.",
            ) from error
        except asyncpg.PostgresError as error:
            raise ConfigurationError(
                f"The database at {self._place()} refuses the connection: {error}.",
                fix=f"Create the role and the database, or correct {self.setting}.",
            ) from error
        try:
            self.found = await pooled(connection, prepared=self.prepared)
        except BaseException:
            connection.terminate()
            raise
        if self.found is Pooled.FORGETS and self.prepared and self.url.query.get("prepared") != "on":
            connection.terminate()
            raise ConfigurationError(
                f"{self.setting} leads to a connection pooler that does not follow prepared statements: they would be "
                "lost between transactions.",
                fix="PgBouncer 1.21 or later with max_prepared_statements above 0, or `?prepared=off` at the end of "
                "the URL; `?prepared=on` where it pools whole sessions.",
            )
        return connection

    async def _connect(self) -> Connection:
        connection = await asyncpg.connect(
            self._dsn,
            timeout=self._patience,
            statement_cache_size=1024 if self.prepared else 0,
            max_cached_statement_lifetime=0,
            max_cacheable_statement_size=0,
        )
        # In a transaction, which a pooler sends to one server. The driver's own codec for text: one of ours would be
        # called for each value, 15 µs a list of twenty.
        async with connection.transaction():
            await connection.set_builtin_type_codec("uuid", schema="pg_catalog", codec_name="text", format="text")
        return connection

    def _place(self) -> str:
        return f"{self.url.host or 'the local socket'}:{self.url.port or 5432}/{self.url.database or ''}"


def dsn(url: URL) -> str:
    """The URL as asyncpg takes it, without Mainstay's own parameters."""
    plain = url.set(drivername="postgresql").difference_update_query(["prepared"])
    return plain.render_as_string(hide_password=False)


async def _finished(connecting: Awaitable[Connection]) -> Connection:
    """Wait for a connection. Cancelled, let it come to its end and drop it: half a handshake cannot be cancelled."""
    task = asyncio.ensure_future(connecting)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        task.add_done_callback(_drop)
        # Who cancels may do so again, as anyio's scopes do until nobody waits: that ends the waiting and no more.
        await asyncio.wait([task])
        raise


def _drop(task: "asyncio.Future[Connection]") -> None:
    if not task.cancelled() and task.exception() is None:
        task.result().terminate()
