"""Somebody's sessions, seen and ended by who administers them: those for their tenant, or all by operators."""

from collections.abc import Generator, Sequence
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import Select, Update, bindparam, select, update

from mainstay.base.errors import Conflict, NotFound
from mainstay.identity.administration.find_accounts import require_account
from mainstay.identity.administration.guards import within_reach
from mainstay.identity.administration.standing import Administrator
from mainstay.identity.events import Fact
from mainstay.identity.ports import Step
from mainstay.identity.room import Room
from mainstay.identity.sessions.end_acting import end_acting, ended
from mainstay.identity.sessions.end_session import END_ALL
from mainstay.identity.sessions.session import Session, session_of
from mainstay.identity.tables import SESSION_COLUMNS
from mainstay.identity.tables import sessions as t
from mainstay.storage.control import in_turn
from mainstay.storage.statement import Rows

REASON = "ended_by_administrator"


async def list_sessions_of(room: Room, by: Administrator, user: UUID) -> Sequence[Session]:
    """Up to 100 open ones, the one used last first. Raises NotFound for somebody not theirs to see."""
    await require_account(room, by, user)
    rows = await room.control.fetch(_list(by.oversees), user=user, now=room.now(), **_tenant(by, by.oversees))
    await room.journal.tell(Fact("user.sessions_read", user, by.tenant_id))
    return [session_of(row) for row in rows]


async def end_session_of(room: Room, by: Administrator, user: UUID, session: UUID) -> None:
    """End one of them, also one in which somebody acts as the user.

    Raises NotFound for what is none of these, or has ended; Forbidden for an account that belongs to other tenants too,
    or holds more than the administrator; Conflict for oneself.
    """
    _require_another(by, user)
    await room.control.write(_end(room, by, user, session))
    room.revocations.applied(user, session)


async def end_sessions_of(room: Room, by: Administrator, user: UUID) -> int:
    """End all sessions of a user, and those in which they act as others; answers how many there were of the former.

    Raises NotFound for somebody not theirs to see; Forbidden and Conflict as `end_session_of`.
    """
    _require_another(by, user)
    count, acted = await room.control.write(_end_all(room, by, user))
    ended(room, [user, *acted])
    return count


def _require_another(by: Administrator, user: UUID) -> None:
    if user == by.user_id:
        raise Conflict(
            "End your own sessions at /auth/sessions, or all of them at /auth/logout-all.", code="own_account"
        )


def _end(room: Room, by: Administrator, user: UUID, session: UUID) -> Generator[Step, Rows, None]:
    yield from within_reach(room, by, user)
    values = {"session": session, "user": user, "now": room.now(), "reason": REASON, **_tenant(by, by.operates)}
    if not (yield room.control.step(_end_one(by.operates), **values)):
        raise NotFound("There is no such session.")
    yield from in_turn(room.revocations.steps(user, session))
    yield from in_turn(room.journal.steps(Fact("session.ended", user, by.tenant_id, session, {"reason": REASON})))


def _end_all(room: Room, by: Administrator, user: UUID) -> Generator[Step, Rows, tuple[int, list[UUID]]]:
    yield from within_reach(room, by, user)
    now = room.now()
    rows = yield room.control.step(END_ALL, user=user, now=now, reason=REASON)
    acted = yield from end_acting(room, user, now)
    yield from in_turn(room.revocations.steps(user))
    fact = Fact("session.all_ended", user, by.tenant_id, details={"count": len(rows), "reason": REASON})
    yield from in_turn(room.journal.steps(fact))
    return len(rows), acted


def _tenant(by: Administrator, everywhere: bool) -> dict[str, UUID]:
    return {} if everywhere else {"tenant": by.tenant_id}


@cache
def _list(everywhere: bool) -> Select[Any]:
    found = select(*SESSION_COLUMNS).where(
        t.c.user_id == bindparam("user"), t.c.ended_at.is_(None), t.c.expires_at > bindparam("now")
    )
    found = found if everywhere else found.where(t.c.tenant_id == bindparam("tenant"))
    return found.order_by(t.c.last_used_at.desc(), t.c.id).limit(100)


@cache
def _end_one(everywhere: bool) -> Update:
    one = update(t).where(
        t.c.id == bindparam("session"),
        t.c.user_id == bindparam("user"),
        t.c.ended_at.is_(None),
        t.c.expires_at > bindparam("now"),
    )
    one = one if everywhere else one.where(t.c.tenant_id == bindparam("tenant"))
    return one.values(ended_at=bindparam("now"), end_reason=bindparam("reason")).returning(t.c.id)
