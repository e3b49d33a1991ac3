"""How every process learns, within a second, that somebody's tokens are no longer to be believed."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import bindparam, delete, insert, or_, select

from mainstay.base.clock import Clock
from mainstay.base.repeating import Repeating
from mainstay.identity.options import IdentityOptions
from mainstay.identity.ports import Step
from mainstay.identity.tables import revocations as t
from mainstay.identity.tables import sessions
from mainstay.identity.tokens.remembered import RememberedTokens
from mainstay.storage.control import ControlPlane

log = logging.getLogger("mainstay.identity")

ADD = insert(t).values({name: bindparam(name) for name in ("user_id", "session_id", "at")})
NEWS = select(t.c.seq, t.c.user_id, t.c.session_id).where(t.c.seq > bindparam("floor")).order_by(t.c.seq)
SWEEP = delete(t).where(t.c.at < bindparam("before"))
SWEEP_SESSIONS = delete(sessions).where(
    or_(sessions.c.expires_at < bindparam("before"), sessions.c.ended_at < bindparam("before"))
)

# PostgreSQL hands out numbers before it commits: a lower one may appear after a higher. Numbers are asked for
# again until they have been known for this long, which outlasts any transaction of ours.
SETTLED_AFTER = 30.0
KEPT = timedelta(minutes=15)
SWEPT_EVERY = 300.0


class Ring(Protocol):
    """The signing keys as they were last read."""

    async def load(self) -> None: ...

    def heard(self, until: float) -> None:
        """Nothing was revoked up to now: believe them until this monotonic moment."""
        ...


class Revocations:
    """Writes revocations, and polls for those of others."""

    def __init__(
        self, control: ControlPlane, remembered: RememberedTokens, options: IdentityOptions, clock: Clock
    ) -> None:
        self._control, self._remembered, self._options, self._clock = control, remembered, options, clock
        self._floor = 0
        self._seen: dict[int, float] = {}
        self._heard: float | None = None
        self._swept = clock.monotonic()
        # Nothing is believed meanwhile.
        told = "revocations cannot be read, every token is checked in the database"
        self._polling = Repeating("mainstay-revocations", self._turn, log, told)
        # Whatever else has to be read again when everybody is looked at again: the signing keys.
        self.keys: Ring | None = None
        self._behind = False  # they changed, and could not be read yet
        # What else is done at that pace: writing down which sessions are in use.
        self.beside: Callable[[], Awaitable[None]] | None = None

    def steps(self, user_id: UUID | None, session_id: UUID | None = None) -> Sequence[Step]:
        """Statements for the transaction that makes the change. Without a user: everybody is looked at again."""
        return (self._control.step(ADD, user_id=user_id, session_id=session_id, at=self._clock.now()),)

    def applied(self, user_id: UUID | None, session_id: UUID | None = None) -> None:
        """The change is committed: this process forgets at once."""
        self._remembered.forget(user_id, session_id)

    async def open(self) -> None:
        """Poll once, then keep polling until `close`."""
        await self.poll()
        self._polling.start(self._options.poll_seconds)

    async def close(self) -> None:
        await self._polling.stop()

    async def poll(self) -> None:
        """Hear what was revoked; remembered tokens are believed for `stale_seconds` from the start of this call."""
        started = self._clock.monotonic()
        rows = await self._control.fetch(NEWS, floor=self._floor)
        if self._heard is not None and started - self._heard > SETTLED_AFTER:
            # Asleep for so long (a suspended laptop) that rows may have come and been swept.
            self._remembered.forget()
            self._behind = True
        for seq, user_id, session_id in rows:
            if seq not in self._seen:
                self._seen[seq] = started
                self._remembered.forget(user_id, session_id)
                self._behind = self._behind or user_id is None
        if self.keys is not None and self._behind:
            await self.keys.load()
            self._behind = False
        self._settle(started)
        self._heard = started
        until = started + self._options.stale_seconds
        self._remembered.believe_until(until)
        if self.keys is not None:
            self.keys.heard(until)

    def _settle(self, now: float) -> None:
        settled = [seq for seq, at in self._seen.items() if now - at > SETTLED_AFTER]
        for seq in settled:
            self._floor = max(self._floor, seq)
            del self._seen[seq]

    async def _turn(self) -> None:
        await self.poll()
        if self.beside is not None:
            await self.beside()
        await self._sweep_now_and_then()

    async def _sweep_now_and_then(self) -> None:
        now = self._clock.monotonic()
        if now - self._swept >= SWEPT_EVERY:
            self._swept = now
            await self.sweep()

    async def sweep(self) -> None:
        """Delete revocations that everybody has heard, and sessions that ended more than a day ago."""
        await self._control.write(self._sweep())

    def _sweep(self) -> Any:
        now = self._clock.now()
        yield self._control.step(SWEEP, before=now - KEPT)
        yield self._control.step(SWEEP_SESSIONS, before=now - timedelta(days=1))
