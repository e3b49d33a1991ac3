"""Sign out: this session, another one of the user's, or all of them."""

from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, update

from mainstay.base.errors import NotFound
from mainstay.identity.events import Fact
from mainstay.identity.room import Room
from mainstay.identity.sessions.end_acting import end_acting, ended
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


# Not where it is somebody else's: then it is as if there were none.
END_OWN = (
    update(t)
    .where(
        t.c.id == bindparam("session"),
        t.c.user_id == bindparam("user"),
        t.c.ended_at.is_(None),
        t.c.expires_at > bindparam("now"),
    )
    .values(_ended)
    .returning(t.c.tenant_id)
)


async def sign_out(room: Room, user_id: UUID, session_id: UUID) -> None:
    """End one session. Ending one that has ended is no error: the wish is fulfilled."""
    await room.control.write(_end_one(room, user_id, session_id))
    room.revocations.applied(user_id, session_id)


async def sign_out_everywhere(room: Room, user_id: UUID) -> int:
    """End all sessions of a user, and those in which they act as others; answers how many there were of the former."""
    count, acted = await room.control.write(_end_all(room, user_id))
    ended(room, [user_id, *acted])
    return int(count)


async def end_own(room: Room, user_id: UUID, session_id: UUID) -> None:
    """End one of the user's sessions, on whichever device. Raises NotFound for what is none of theirs, or has ended."""
    await room.control.write(_end_own(room, user_id, session_id))
    room.revocations.applied(user_id, session_id)


def _end_one(room: Room, user_id: UUID, session_id: UUID) -> Any:
    ended = yield room.control.step(END_ONE, session=session_id, now=room.now(), reason="signed_out")
    yield from in_turn(room.revocations.steps(user_id, session_id))
    if ended:
        fact = Fact("session.ended", user_id, None, session_id, {"reason": "signed_out"})
        yield from in_turn(room.journal.steps(fact))


def _end_own(room: Room, user_id: UUID, session_id: UUID) -> Any:
    step = room.control.step(END_OWN, session=session_id, user=user_id, now=room.now(), reason="ended_by_user")
    if not (yield step):
        raise NotFound("You have no such session.")
    yield from in_turn(room.revocations.steps(user_id, session_id))
    fact = Fact("session.ended", user_id, None, session_id, {"reason": "ended_by_user"})
    yield from in_turn(room.journal.steps(fact))


def _end_all(room: Room, user_id: UUID) -> Any:
    now = room.now()
    rows = yield room.control.step(END_ALL, user=user_id, now=now, reason="signed_out_everywhere")
    acted = yield from end_acting(room, user_id, now)
    yield from in_turn(room.revocations.steps(user_id))
    fact = Fact("session.all_ended", user_id, details={"count": len(rows)})
    yield from in_turn(room.journal.steps(fact))
    return len(rows), acted
