"""Work that is done again and again beside everything else, until it is stopped."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress


class Repeating:
    """Does `work` every so many seconds, first after one pause. What goes wrong is told of once an outage.

    `otherwise` is the line for the log while it goes wrong; the error is added to it.
    """

    def __init__(self, name: str, work: Callable[[], Awaitable[object]], log: logging.Logger, otherwise: str) -> None:
        self._name, self._work, self._log, self._otherwise = name, work, log, otherwise
        self._task: asyncio.Task[None] | None = None

    def start(self, seconds: float) -> None:
        """From now on."""
        self._task = asyncio.create_task(self._repeat(seconds), name=self._name)

    async def stop(self) -> None:
        """No longer, whatever is under way. Calling it twice, or without a start, is harmless."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _repeat(self, seconds: float) -> None:
        silent = False
        while True:
            await asyncio.sleep(seconds)
            try:
                await self._work()
                silent = False
            except Exception as error:
                if not silent:
                    self._log.warning("%s: %s", self._otherwise, error)
                silent = True
