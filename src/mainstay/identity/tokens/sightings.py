"""What requests showed of sessions, written down a moment later: no request waits for it."""

from asyncio import Lock
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, true, update

from mainstay.base.clock import Clock
from mainstay.identity.tables import sessions as t
from mainstay.storage.control import ControlPlane

# Not if the family has moved on meanwhile: whatever it was then is decided.
SEEN = (
    update(t).where(t.c.id == bindparam("session"), t.c.turn == bindparam("was")).values(seen=true(), turn=t.c.turn + 1)
)
TOUCH = (
    update(t)
    .where(t.c.id == bindparam("session"), t.c.ended_at.is_(None), t.c.last_used_at < bindparam("now"))
    .values(last_used_at=bindparam("now"), expires_at=bindparam("expires"))
)


class Sightings:
    """Families whose current token was seen in use, and cookie sessions that are in use.

    A process that dies first loses a quarter of a second of them. A family that was not noted as seen errs on the
    side of the user, until the next token is used.
    """

    def __init__(self, control: ControlPlane, clock: Clock) -> None:
        self._control, self._clock = control, clock
        self._seen: dict[UUID, int] = {}
        self._used: dict[UUID, datetime] = {}
        self._turn = Lock()

    def seen(self, session_id: UUID, turn: int) -> None:
        """Somebody holds the current token of this session's family, which was read at that turn."""
        self._seen[session_id] = turn

    def used(self, session_id: UUID, expires: datetime) -> None:
        """The session is in use, and lives until then if this is the last time."""
        self._used[session_id] = expires

    async def flush(self) -> None:
        """Write it down; what another call took to write is written as well when this one returns.

        What cannot be written is kept for the next time.
        """
        async with self._turn:
            if not self._seen and not self._used:
                return
            seen, used = self._seen, self._used
            self._seen, self._used = {}, {}
            try:
                await self._control.write(self._write(seen, used))
            except BaseException:
                self._seen, self._used = seen | self._seen, used | self._used
                raise

    def _write(self, seen: dict[UUID, int], used: dict[UUID, datetime]) -> Any:
        # In one order everywhere: two processes that write the same rows must not wait for each other.
        for session in sorted(seen.keys() | used.keys()):
            if session in seen:
                yield self._control.step(SEEN, session=session, was=seen[session])
            if session in used:
                yield self._control.step(TOUCH, session=session, now=self._clock.now(), expires=used[session])
