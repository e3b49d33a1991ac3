"""The clockwork of the key ring: every worker looks whether a rotation is due, and one of them does it."""

import asyncio
import logging
from contextlib import suppress
from typing import Any

from mainstay.identity.keys.rotate_key import due, rotate_key
from mainstay.identity.room import Room
from mainstay.identity.signing import statements as sql

log = logging.getLogger("mainstay.identity")


class KeySchedule:
    """Rotates the keys of a room when it is time, and erases those that are gone."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._task: asyncio.Task[None] | None = None

    async def open(self) -> None:
        self._task = asyncio.create_task(self._keep_looking(), name="mainstay-keys")

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def look(self) -> None:
        """Read the ring, rotate if it is due, erase what no longer verifies."""
        room = self._room
        await room.keys.load()
        if due(room):
            made = await rotate_key(room)
            log.info("signing keys rotate: %s signs from %s", made.kid, made.signs_from.isoformat())
        await room.control.write(self._erase())

    def _erase(self) -> Any:
        yield self._room.control.step(sql.ERASE, at=self._room.now())

    async def _keep_looking(self) -> None:
        while True:
            await asyncio.sleep(self._room.keys.options.look_seconds)
            try:
                await self.look()
            except Exception as error:
                log.warning("signing keys cannot be looked after: %s", error)
