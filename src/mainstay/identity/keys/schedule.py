"""The clockwork of the key ring: every worker looks whether a rotation is due, and one of them does it."""

import logging
from typing import Any

from mainstay.base.repeating import Repeating
from mainstay.identity.keys.rotate_key import due, rotate_key
from mainstay.identity.room import Room
from mainstay.identity.signing import statements as sql

log = logging.getLogger("mainstay.identity")


class KeySchedule:
    """Rotates the keys of a room when it is time, and erases those that are gone."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._looking = Repeating("mainstay-keys", self.look, log, "signing keys cannot be looked after")

    async def open(self) -> None:
        self._looking.start(self._room.keys.options.look_seconds)

    async def close(self) -> None:
        await self._looking.stop()

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
