"""Shut an account, or open it again."""

from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, update

from mainstay.base.errors import NotFound
from mainstay.identity.room import Room
from mainstay.identity.sessions.end_session import END_ALL
from mainstay.identity.tables import users as t
from mainstay.storage.control import in_turn

SET_ACTIVE = (
    update(t)
    .where(t.c.id == bindparam("user"))
    .values(active=bindparam("active"), updated_at=bindparam("now"))
    .returning(t.c.id)
)


async def set_active(room: Room, user_id: UUID, active: bool) -> None:
    """Shutting ends every session; within a second no process accepts a token of theirs. Raises NotFound."""
    await room.control.write(_set_active(room, user_id, active))
    room.revocations.applied(user_id)


def _set_active(room: Room, user_id: UUID, active: bool) -> Any:
    now = room.now()
    rows = yield room.control.step(SET_ACTIVE, user=user_id, active=active, now=now)
    if not rows:
        raise NotFound("There is no such user.")
    if not active:
        yield room.control.step(END_ALL, user=user_id, now=now, reason="deactivated")
    yield from in_turn(room.revocations.steps(user_id))
