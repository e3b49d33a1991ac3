"""What time takes away: accounts whose grace is over, letters' tokens, counted attempts, known addresses."""

import logging
from datetime import timedelta
from typing import Any

from sqlalchemy import bindparam, delete, func, select, tuple_

from mainstay.base.repeating import Repeating
from mainstay.identity.accounts.delete_account import close_account, due_users
from mainstay.identity.accounts.tables import account_tokens
from mainstay.identity.credentials.tables import known_addresses
from mainstay.identity.ports import Erasure
from mainstay.identity.room import Room

log = logging.getLogger("mainstay.identity")

# Of those a user signs in from, so many are remembered.
MOST_ADDRESSES = 50
OLD_TOKENS = delete(account_tokens).where(account_tokens.c.expires_at < bindparam("before"))
OLD_ADDRESSES = delete(known_addresses).where(known_addresses.c.last_at < bindparam("before"))
_key = (known_addresses.c.user_id, known_addresses.c.address)
_place = func.row_number().over(
    partition_by=known_addresses.c.user_id, order_by=(known_addresses.c.last_at.desc(), known_addresses.c.address)
)
_ranked = select(*_key, _place.label("place")).subquery()
MANY_ADDRESSES = delete(known_addresses).where(
    tuple_(*_key).in_(select(_ranked.c.user_id, _ranked.c.address).where(_ranked.c.place > MOST_ADDRESSES))
)
KEPT = timedelta(days=1)


class Sweep:
    """Runs every `sweep_seconds` from `open` to `close`, in each process; two at once do no harm."""

    def __init__(self, room: Room, erasure: Erasure) -> None:
        self._room, self.erasure = room, erasure
        self._sweeping = Repeating("mainstay-accounts", self.run, log, "accounts cannot be swept now")

    async def open(self) -> None:
        self._sweeping.start(self._room.options.accounts.sweep_seconds)

    async def close(self) -> None:
        await self._sweeping.stop()

    async def run(self) -> int:
        """Sweep once; answers how many accounts were erased."""
        await self._room.control.write(self._old())
        erased = 0
        while due := await due_users(self._room):
            for user_id in due:
                if await close_account(self._room, user_id):
                    self._room.revocations.applied(user_id)
                    await self.erasure.erase(user_id)
                    erased += 1
            if len(due) < 100:
                break
        return erased

    def _old(self) -> Any:
        now, step = self._room.now(), self._room.control.step
        yield step(OLD_TOKENS, before=now - KEPT)
        yield self._room.throttle.sweep()
        yield step(OLD_ADDRESSES, before=now - timedelta(days=self._room.options.attempts.known_days))
        yield step(MANY_ADDRESSES)
