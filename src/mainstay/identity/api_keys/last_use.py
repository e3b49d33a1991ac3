"""When each key was used last, written behind the requests."""

import asyncio
import logging
from collections.abc import Generator
from contextlib import suppress
from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam, or_, update

from mainstay.identity.api_keys.tables import api_keys as k
from mainstay.identity.ports import Step
from mainstay.storage.control import ControlPlane
from mainstay.storage.statement import Rows

log = logging.getLogger("mainstay.identity")

# Processes write in any order; an older moment never replaces a newer one.
TOUCH = (
    update(k)
    .where(k.c.id == bindparam("key"), or_(k.c.last_used_at.is_(None), k.c.last_used_at < bindparam("at")))
    .values(last_used_at=bindparam("at"))
)
GATHERED_FOR = 1.0


class LastUse:
    """Gathers uses for a second and writes them together. What a crash loses is a second of it."""

    def __init__(self, control: ControlPlane) -> None:
        self._control = control
        self._noted: dict[UUID, datetime] = {}
        self._task: asyncio.Task[None] | None = None

    def note(self, key: UUID, at: datetime) -> None:
        """The key was used; on the loop."""
        self._noted[key] = at
        if self._task is None:
            self._task = asyncio.create_task(self._write_soon(), name="mainstay-api-keys")

    async def close(self) -> None:
        """Write what is noted, and stop."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        await self.flush()

    async def flush(self) -> None:
        """Write what is noted now. Never raises: no request waits for it."""
        noted, self._noted = self._noted, {}
        if not noted:
            return
        try:
            await self._control.write(self._touch(noted))
        except Exception as error:
            log.warning("the last use of %d API keys could not be written: %s", len(noted), error)

    async def _write_soon(self) -> None:
        try:
            await asyncio.sleep(GATHERED_FOR)
        finally:
            self._task = None
        await self.flush()

    def _touch(self, noted: dict[UUID, datetime]) -> Generator[Step, Rows, None]:
        for key, at in sorted(noted.items()):  # in one order everywhere: two processes never wait for each other
            yield self._control.step(TOUCH, key=key, at=at)
