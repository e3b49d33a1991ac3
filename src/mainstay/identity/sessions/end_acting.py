"""End the sessions in which an administrator acts as others, with whatever let them do it."""

from collections.abc import Generator, Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam, update

from mainstay.identity.ports import Step
from mainstay.identity.room import Room
from mainstay.identity.tables import sessions as s
from mainstay.storage.control import in_turn
from mainstay.storage.statement import Rows

END_ACTING = (
    update(s)
    .where(s.c.impersonator_id == bindparam("administrator"), s.c.ended_at.is_(None))
    .values(ended_at=bindparam("now"), end_reason="impersonator_refused")
    .returning(s.c.user_id)
)
# The revocation of whoever's roles change is the caller's.
END_ACTED = (
    update(s)
    .where(s.c.user_id == bindparam("user"), s.c.impersonator_id.is_not(None), s.c.ended_at.is_(None))
    .values(ended_at=bindparam("now"), end_reason="roles_changed")
)


def end_acting(room: Room, administrator: UUID, now: datetime) -> Generator[Step, Rows, list[UUID]]:
    """End every session in which this administrator acts as others; answers whose. For the transaction that takes
    away what let them."""
    rows = yield room.control.step(END_ACTING, administrator=administrator, now=now)
    acted = sorted({row[0] for row in room.control.read(END_ACTING, rows)}, key=str)
    for user in acted:
        yield from in_turn(room.revocations.steps(user))
    return acted


def end_acted(room: Room, user: UUID, now: datetime) -> Step:
    """The step that ends the sessions in which others act as this user, who is about to hold more than before."""
    return room.control.step(END_ACTED, user=user, now=now)


def ended(room: Room, users: Iterable[UUID]) -> None:
    """The change is committed: this process forgets at once."""
    for user in users:
        room.revocations.applied(user)
