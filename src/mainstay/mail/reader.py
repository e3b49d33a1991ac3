"""What the room holds about one reader: told to them, and given up when they go."""

from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, delete, or_, select, update

from mainstay.mail.tables import GONE, WAITING, letters, unsubscribed
from mainstay.storage.control import ControlPlane

# What is still to be said to somebody who goes: that they are gone.
LAST = "account-deleted"
_theirs = or_(letters.c.recipient == bindparam("address"), letters.c.person == bindparam("user"))
_last = (letters.c.kind == LAST, letters.c.state == WAITING, letters.c.recipient == bindparam("address"))
LETTERS = (
    select(letters.c.kind, letters.c.recipient, letters.c.state, letters.c.created_at, letters.c.ended_at)
    .where(_theirs)
    .order_by(letters.c.created_at)
)
LISTS = select(unsubscribed.c.list, unsubscribed.c.at).where(unsubscribed.c.recipient == bindparam("address"))
LEAVE_LAST = update(letters).where(*_last).values(person=GONE)
FORGET = (
    delete(letters).where(_theirs, or_(letters.c.person.is_(None), letters.c.person != GONE)).returning(letters.c.id)
)


class Reader:
    """A user, and who has an address. That they want no more letters of a list stays known: it is what they asked."""

    def __init__(self, control: ControlPlane) -> None:
        self._control = control

    async def export(self, address: str, person: UUID | None = None) -> dict[str, Any]:
        """The letters that are remembered, without what they said, and the lists they left."""
        written = await self._control.fetch(LETTERS, address=address, user=person)
        left = await self._control.fetch(LISTS, address=address.lower())
        return {
            "letters": [
                {"kind": kind, "to": to, "state": state, "created_at": created, "ended_at": ended}
                for kind, to, state, created, ended in written
            ],
            "unsubscribed": [{"list": name, "at": at} for name, at in left],
        }

    async def forget(self, address: str, person: UUID | None = None) -> int:
        """Delete their letters, sent and waiting, to whatever address; answers how many.

        A last one that waits is deleted when it is sent, or given up.
        """
        gone: int = await self._control.write(self._forget(address, person))
        return gone

    def _forget(self, address: str, person: UUID | None) -> Any:
        yield self._control.step(LEAVE_LAST, address=address)
        return len((yield self._control.step(FORGET, address=address, user=person)))
