"""What the room holds about one reader: told to them, and given up when they go."""

from typing import Any

from sqlalchemy import bindparam, delete, or_, select

from mainstay.mail.tables import WAITING, letters, unsubscribed
from mainstay.storage.control import ControlPlane

# What is still to be said to somebody who goes: that they are gone.
LAST = "account-deleted"
_theirs = letters.c.recipient == bindparam("address")
LETTERS = (
    select(letters.c.kind, letters.c.state, letters.c.created_at, letters.c.ended_at)
    .where(_theirs)
    .order_by(letters.c.created_at)
)
LISTS = select(unsubscribed.c.list, unsubscribed.c.at).where(unsubscribed.c.recipient == bindparam("address"))
FORGET = (
    delete(letters)
    .where(_theirs, or_(letters.c.kind != bindparam("last"), letters.c.state != bindparam("waiting")))
    .returning(letters.c.id)
)


class Reader:
    """Whoever has one address. That they want no more letters of a list stays known: it is what they asked for."""

    def __init__(self, control: ControlPlane) -> None:
        self._control = control

    async def export(self, address: str) -> dict[str, Any]:
        """The letters that are remembered, without what they said, and the lists they left."""
        written = await self._control.fetch(LETTERS, address=address)
        left = await self._control.fetch(LISTS, address=address.lower())
        return {
            "letters": [
                {"kind": kind, "state": state, "created_at": created, "ended_at": ended}
                for kind, state, created, ended in written
            ],
            "unsubscribed": [{"list": name, "at": at} for name, at in left],
        }

    async def forget(self, address: str) -> int:
        """Delete their letters, sent and waiting, but for a last one that waits; answers how many."""
        gone: int = await self._control.write(self._forget(address))
        return gone

    def _forget(self, address: str) -> Any:
        return len((yield self._control.step(FORGET, address=address, last=LAST, waiting=WAITING)))
