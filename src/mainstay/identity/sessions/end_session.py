"""Sign out: one session, or all of a user's."""

from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, update

from mainstay.identity.room import Room
from mainstay.identity.tables import sessions as t
from mainstay.storage.control import in_turn

_ended: dict[str, Any] = {"ended_at": bindparam("now"), "end_reason": bindparam("reason")}
END_ONE = update(t).where(t.c.id == bindparam("session"), t.c.ended_at.is_(None)).values(_ended).returning(t.c.user_id)
# Sessions that ran out by themselves are not counted as ended by this.
END_ALL = (
    update(t)
    .where(t.c.user_id == bindparam("user"), t.c.ended_at.is_(None), t.c.expires_at > bindparam("now"))
    .values(_ended)
    .returning(t.c.id)
)


async def sign_out(room: Room, user_id: UUID, session_id: UUID) -> None:
    """End one session. Ending one that has ended is no error: the wish is fulfilled."""
    await room.control.write(_end_one(room, user_id, session_id))
    room.revocations.applied(user_id, session_id)


async def sign_out_everywhere(room: Room, user_id: UUID) -> int:
    """End all sessions of a user; answers how many there were."""
    count: int = await room.control.write(_end_all(room, user_id))
    room.revocations.applied(user_id)
    return count


def _end_one(room: Room, user_id: UUID, session_id: UUID) -> Any:
    yield room.control.step(END_ONE, session=session_id, now=room.now(), reason="signed_out")
    yield from in_turn(room.revocations.steps(user_id, session_id))


def _end_all(room: Room, user_id: UUID) -> Any:
    rows = yield room.control.step(END_ALL, user=user_id, now=room.now(), reason="signed_out_everywhere")
    yield from in_turn(room.revocations.steps(user_id))
    return len(rows)
