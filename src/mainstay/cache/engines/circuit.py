"""A switch before something that may be away: after one failure nobody waits for it until it answers again."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

log = logging.getLogger("mainstay.cache")


class Circuit:
    """Closed while all is well. Opened, it asks `probe` every `pause` seconds in the background."""

    def __init__(self, probe: Callable[[], Awaitable[None]], pause: float) -> None:
        self._probe, self._pause = probe, pause
        self._probing: asyncio.Task[None] | None = None
        self.opened = 0
        self.is_open = False

    def open(self, reason: BaseException) -> None:
        """It is away."""
        if self.is_open:
            return
        self.is_open = True
        self.opened += 1
        log.warning("Redis does not answer, so values are computed: %s", str(reason) or type(reason).__name__)
        self._probing = asyncio.create_task(self._wait_for_it(), name="mainstay-cache-probe")

    async def _wait_for_it(self) -> None:
        while self.is_open:
            await asyncio.sleep(self._pause)
            try:
                await self._probe()
            except Exception:
                log.debug("Redis is still away", exc_info=True)
            else:
                self.is_open = False
                log.info("Redis answers again")

    async def close(self) -> None:
        """Stop asking."""
        probing, self._probing = self._probing, None
        self.is_open = False
        if probing is not None:
            probing.cancel()
            with suppress(asyncio.CancelledError):
                await probing
