"""Work that one process of all does, while the others stand by to take it over."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

from mainstay.base.errors import MainstayError
from mainstay.storage.database import Database
from mainstay.storage.ports import Held


class Leader:
    """Waits for the lock of this name, and does `work` while it is held; after a failure, and a pause, again.

    `work` goes on for as long as `leads` says so, and pauses with `pause`.
    """

    def __init__(
        self,
        database: Database,
        name: str,
        work: Callable[[Held], Awaitable[None]],
        log: logging.Logger,
        *,
        standby: float,
    ) -> None:
        self._database, self._name, self._work, self._log, self._standby = database, name, work, log, standby
        self._woken = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._stopping = False

    def wake(self) -> None:
        """End the pause. To be called from the event loop; a lost call is only latency."""
        self._woken.set()

    async def start(self) -> None:
        """Begin to work, or to stand by, in the background."""
        self._stopping = False
        self._task = asyncio.create_task(self._run(), name=f"mainstay-{self._name}")

    async def stop(self) -> None:
        """Let the work under way end, or cut it off after 5 seconds, and let go of the lock."""
        task, self._task = self._task, None
        self._stopping = True
        self._woken.set()
        if task is not None:
            _, late = await asyncio.wait([task], timeout=5)
            for each in late:
                each.cancel()
            await asyncio.wait([task])

    async def leads(self, held: Held) -> bool:
        """Whether to go on. A call to `wake` from here on is heard by the next pause."""
        if self._stopping or not await held.alive():
            return False
        self._woken.clear()
        return True

    async def pause(self, seconds: float) -> None:
        """Until somebody wakes it, or so many seconds have passed."""
        if self._stopping:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._woken.wait()

    async def _run(self) -> None:
        while not self._stopping:
            # Whoever stands by is woken once by one call, too: otherwise this would never pause again.
            self._woken.clear()
            held = await self._database.engine.hold(self._name)
            if held is not None:
                try:
                    await self._work(held)
                except MainstayError as error:
                    self._log.warning("the %s pauses: %s %s", self._name, error, getattr(error, "fix", None) or "")
                except Exception:
                    self._log.exception("the %s pauses", self._name)
                finally:
                    await held.let_go()
            await self.pause(self._standby)
