"""A pool of asyncpg connections that costs nothing to borrow from.

asyncpg's own pool sends a reset query after every use; Mainstay never changes a session's state, so none is needed.
"""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from mainstay.base.deadlines import Deadlines
from mainstay.base.errors import Unavailable
from mainstay.storage.engines.postgres.failures import AWAY, REFUSED, away

Connection = Any  # asyncpg.Connection, generic only in its stubs


class Pool:
    """At most `size` connections, opened when needed, the last one used handed out first."""

    def __init__(self, connect: Callable[[], Awaitable[Connection]], size: int, patience: float) -> None:
        self._connect, self._size, self._patience = connect, size, patience
        self._deadlines = Deadlines(patience)
        self._ending: set[asyncio.Task[None]] = set()
        self._idle: list[Connection] = []
        self._waiting: deque[asyncio.Future[Connection | None]] = deque()
        self._count = 0
        self._closed = False

    def figures(self) -> dict[str, float]:
        """How many connections there may be, are open and lie idle, and how many callers wait for one."""
        return {"size": self._size, "open": self._count, "idle": len(self._idle), "waiting": len(self._waiting)}

    def take(self) -> Connection | None:
        """An idle connection at once, or None."""
        idle = self._idle
        while idle:
            connection = idle.pop()
            # A connection that the server closed while it lay idle is noticed here, before it is used.
            if not connection.is_closed():
                return connection
            self._count -= 1
        return None

    async def acquire(self) -> Connection:
        """A connection; waits its turn. Raises Unavailable when none comes free or can be opened in time."""
        connection = self.take()
        if connection is not None:
            return connection
        deadline = time.monotonic() + self._patience
        while True:
            if self._closed:
                raise Unavailable("The database is closed.")
            if self._count < self._size:
                return await self._open(deadline)
            if (connection := await self._turn()) is not None:
                return connection
            if time.monotonic() > deadline:
                raise _busy()

    async def _turn(self) -> Connection | None:
        """A connection that another has handed back, or None where there is room for a new one."""
        waiter: asyncio.Future[Connection | None] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        task = self._deadlines.begin()
        try:
            return await waiter
        except asyncio.CancelledError:
            self._forget(waiter)
            if self._deadlines.passed(task):
                raise _busy() from None
            raise
        finally:
            self._deadlines.end(task)

    def adopt(self, connection: Connection) -> None:
        """Take a connection made elsewhere into an empty pool."""
        self._count += 1
        self.give(connection)

    def give(self, connection: Connection) -> None:
        """Hand a connection back, in no transaction. A closed one is dropped."""
        if connection.is_closed() or self._closed:
            self._count -= 1
            if not connection.is_closed():
                connection.terminate()
            connection = None
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(connection)
                return
        if connection is not None:
            self._idle.append(connection)

    def retire(self, connection: Connection) -> None:
        """Give up a connection on which something took too long: whoever needs one gets another."""
        self._count -= 1
        self._wake()
        # Closing stops what still runs on the server, and takes a moment.
        ending = asyncio.get_running_loop().create_task(_end(connection))
        self._ending.add(ending)
        ending.add_done_callback(self._ending.discard)

    async def close(self) -> None:
        """Close what is idle; what is in use is closed when it is handed back."""
        self._closed = True
        self._deadlines.close()
        await asyncio.gather(*self._ending)
        idle, self._idle = self._idle, []
        self._count -= len(idle)
        for connection in idle:
            await _end(connection)
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(None)

    async def _open(self, deadline: float) -> Connection:
        self._count += 1
        try:
            async with asyncio.timeout(max(0.05, deadline - time.monotonic())):
                return await self._connect()
        except BaseException as error:
            self._count -= 1
            self._wake()
            if isinstance(error, REFUSED):
                raise away(error) from error
            raise

    def _forget(self, waiter: "asyncio.Future[Connection | None]") -> None:
        if waiter.done() and not waiter.cancelled():
            handed = waiter.result()
            if handed is not None:
                self.give(handed)
        else:
            with contextlib.suppress(ValueError):
                self._waiting.remove(waiter)

    def _wake(self) -> None:
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return


async def _end(connection: Connection) -> None:
    with contextlib.suppress(*AWAY):
        await connection.close(timeout=2)


def _busy() -> Unavailable:
    return Unavailable(
        "The database is busy; try again.",
        fix="Every connection is in use: raise MAINSTAY_DATABASE_POOL_SIZE, or look for long queries.",
    )
