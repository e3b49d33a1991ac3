"""Scripts carried out on PostgreSQL: one statement by itself where that is enough, else a transaction around them."""

import asyncio
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import asyncpg
from sqlalchemy.exc import TimeoutError as SqlTimeout
from sqlalchemy.ext.asyncio import AsyncEngine

from mainstay.base.deadlines import Deadlines
from mainstay.base.errors import Unavailable
from mainstay.base.tenant import Scope, TenantScope
from mainstay.storage.engines.postgres.constraints import Constraints
from mainstay.storage.engines.postgres.failures import AWAY, REFUSED, lost, translate
from mainstay.storage.engines.postgres.pool import Connection, Pool
from mainstay.storage.engines.postgres.sessions import as_text, run_within, set_scope
from mainstay.storage.statement import Script, Statement, refuse

T = TypeVar("T")

BEGIN_SYSTEM = "BEGIN; SELECT set_config('mainstay.system', 'on', true)"


class Writes:
    """Writes over the connections of one role."""

    def __init__(self, pool: Pool, constraints: Constraints, deadlines: Deadlines, prepared: bool) -> None:
        self._pool, self._constraints, self._deadlines, self._prepared = pool, constraints, deadlines, prepared

    async def write(self, scope: Scope, script: Script[T], *, single: bool) -> T:
        """Run the script and answer its result once that is on disk."""
        try:
            statement, values = next(script)
            arguments = statement.bind(scope, values)
        except StopIteration as done:
            return done.value  # type: ignore[no-any-return]  # the script's own result
        if single and statement.gated and self._prepared:
            connection = self._pool.take() or await self._pool.acquire()
            run = _Single(connection, self._constraints, self._deadlines, script)
        else:
            connection = await self._begun(scope)
            run = _Transaction(connection, self._constraints, self._deadlines, script)
        try:
            return await run.run(scope, statement, arguments)
        finally:
            if run.hangs:
                self._pool.retire(connection)
            else:
                self._pool.give(connection)

    async def _begun(self, scope: Scope) -> Connection:
        """A connection in a new transaction; one that turns out to be dead is replaced, for nothing was sent yet."""
        begin = "BEGIN" if type(scope) is TenantScope else BEGIN_SYSTEM
        last = False
        while True:
            connection = self._pool.take() or await self._pool.acquire()
            try:
                await self._deadlines.wait(connection.execute(begin))
                return connection
            except BaseException as error:
                connection.terminate()
                self._pool.give(connection)
                if last or not lost(error):
                    raise (translate(error) if isinstance(error, Exception) else error) from error
                last = True


class _Single(Generic[T]):
    """A script of one statement, which is a transaction by itself."""

    def __init__(
        self, connection: Connection, constraints: Constraints, deadlines: Deadlines, script: Script[T]
    ) -> None:
        self.connection, self.constraints, self.deadlines, self.script = connection, constraints, deadlines, script
        # Set when a statement ran into its deadline: the server may be at it still.
        self.hangs = False

    async def run(self, scope: Scope, statement: Statement, arguments: Any) -> T:
        try:
            rows = await self.deadlines.wait(self.connection.fetch(statement.sql, *arguments))
        except Exception as error:
            await self.refused(error)
        try:
            self.script.send(rows)
        except StopIteration as done:
            return done.value  # type: ignore[no-any-return]  # the script's own result
        raise RuntimeError("A script that promised one statement yielded another.")

    async def refused(self, error: Exception) -> None:
        """Tell the script what the database refused. Always raises."""
        if isinstance(error, TimeoutError):
            self.hangs = True
        elif lost(error):
            self.connection.terminate()
        refuse(self.script, await self.constraints.explain(error, None if self.hangs else self.connection))


class _Transaction(_Single[T]):
    """A script with a transaction around it."""

    async def run(self, scope: Scope, statement: Statement, arguments: Any) -> T:
        wait, fetch = self.deadlines.wait, self.connection.fetch
        named = False
        try:
            while True:
                try:
                    if not (statement.gated or named) and type(scope) is TenantScope:
                        await wait(fetch("SELECT set_config('mainstay.tenant', $1, true)", scope.key))
                        named = True
                    rows = await wait(fetch(statement.sql, *arguments))
                except Exception as error:
                    if not isinstance(error, TimeoutError):
                        await _roll_back(self.connection)
                    await self.refused(error)
                try:
                    statement, values = self.script.send(rows)
                except StopIteration as done:
                    result: T = done.value
                    break
                arguments = statement.bind(scope, values)
            await wait(self.connection.execute("COMMIT"))
            return result
        except BaseException as error:
            self.script.close()
            if isinstance(error, TimeoutError):
                self.hangs = True
            if not self.hangs:
                await _roll_back(self.connection)
            if isinstance(error, AWAY):
                raise translate(error) from error
            raise


async def write_within(
    engine: AsyncEngine, scope: Scope, script: Script[T], hook: Callable[..., Any], constraints: Constraints
) -> T:
    """The script and then the hook, on a connection that both asyncpg and SQLAlchemy can use."""
    try:
        async with engine.connect() as connection:
            await set_scope(connection, scope)
            driver: Any = (await connection.get_raw_connection()).driver_connection
            result = await _drive(driver, scope, script, constraints)
            await run_within(connection, scope, hook)
            await connection.commit()
            return result
    except SqlTimeout as error:
        raise Unavailable("The database is busy; try again.") from error
    except AWAY as error:
        raise translate(error) from error


async def _drive(driver: Connection, scope: Scope, script: Script[T], constraints: Constraints) -> T:
    try:
        statement, values = next(script)
        while True:
            try:
                rows = await driver.fetch(statement.sql, *statement.bind(scope, values))
            except asyncpg.PostgresError as error:
                refuse(script, await constraints.explain(error))
            statement, values = script.send(as_text(rows))
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]  # the script's own result
    finally:
        script.close()


async def _roll_back(connection: Connection) -> None:
    if connection.is_closed():
        return
    try:
        if connection.is_in_transaction():
            await connection.execute("ROLLBACK", timeout=2)
    except BaseException as error:
        connection.terminate()
        if not isinstance(error, (asyncio.CancelledError, *REFUSED)):
            raise
