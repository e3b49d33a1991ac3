"""Erase somebody: every room gives up what it holds about them, in an order that a crash may interrupt anywhere."""

import logging
from collections.abc import Sequence
from uuid import UUID

from mainstay.assembly.people.holder import Holder
from mainstay.identity import Identity
from mainstay.telemetry.audit import Audit

log = logging.getLogger("mainstay.people")


class ErasePerson:
    """`identity.ports.Erasure`. The account goes last: until then whoever sweeps finds it again, and goes on."""

    def __init__(self, holders: Sequence[Holder], identity: Identity, audit: Audit) -> None:
        self._holders, self._identity, self._audit = holders, identity, audit

    async def erase(self, user_id: UUID) -> None:
        """Raises what a room raises; done again it goes on."""
        told = {}
        for holder in self._holders:
            told[holder.name] = await holder.erase(user_id)
        # What was told of them meanwhile is not sealed any more; the entry itself names nothing but an id.
        await self._audit.write_down(self._audit.now("user.erased", user_id=user_id, subject=str(user_id)))
        log.info("erased a user: %s", " ".join(f"{name}={count}" for name, count in told.items()))

    async def now(self, user_id: UUID) -> None:
        """Without a time of grace: shut the account first, for good. Raises NotFound."""
        await self._identity.accounts.close_now(user_id)
        await self.erase(user_id)
