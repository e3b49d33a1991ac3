"""Exchange a refresh token for its one successor and a new access token (RFC 9700 §4.14).

Shown again inside the grace window, a token gets the same successor: an answer was lost, or two tabs asked at
once. Shown again after it, somebody else holds a copy, and the whole session ends.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, select, update

from mainstay.identity.errors import RefreshRefused
from mainstay.identity.room import Room
from mainstay.identity.sessions.end_session import END_ONE
from mainstay.identity.sessions.session import Session, Tokens, session_of
from mainstay.identity.sessions.sign_in import ADD_REFRESH, tokens_for
from mainstay.identity.tables import SESSION_COLUMNS, refresh_tokens, sessions, users
from mainstay.identity.tokens.refresh_token import digest
from mainstay.storage.control import in_turn

FIND = (
    select(refresh_tokens.c.used_at, sessions.c.ended_at, users.c.active, *SESSION_COLUMNS)
    .join(sessions, sessions.c.id == refresh_tokens.c.session_id)
    .join(users, users.c.id == sessions.c.user_id)
    .where(refresh_tokens.c.digest == bindparam("digest"))
)
# Of several that try at once exactly one gets a row back.
SPEND = (
    update(refresh_tokens)
    .where(refresh_tokens.c.digest == bindparam("spent"), refresh_tokens.c.used_at.is_(None))
    .values(used_at=bindparam("now"))
    .returning(refresh_tokens.c.digest)
)
TOUCH = (
    update(sessions)
    .where(sessions.c.id == bindparam("session"))
    .values(last_used_at=bindparam("now"), expires_at=bindparam("expires"))
)


@dataclass(frozen=True, slots=True)
class _Outcome:
    session: Session | None
    reused: bool = False


async def refresh(room: Room, token: str) -> Tokens:
    """New tokens of the same session. Raises RefreshRefused for a token that is unknown, of an ended session, or
    used before and outside the grace window: then the session has ended for everybody.
    """
    if not token.isascii():
        raise RefreshRefused
    outcome = await room.control.write(_rotate(room, token))
    if outcome.session is None:
        raise RefreshRefused
    if outcome.reused:
        room.revocations.applied(outcome.session.user_id, outcome.session.id)
        raise RefreshRefused
    return await tokens_for(room, outcome.session, room.refresh_tokens.successor(token))


def _rotate(room: Room, token: str) -> Any:
    # Answers an outcome instead of raising: ending a session on reuse has to be committed.
    now, presented = room.now(), digest(token)
    found = room.control.read(FIND, (yield room.control.step(FIND, digest=presented)))
    if not found:
        return _Outcome(None)
    _, ended_at, active, *rest = found[0]
    session = session_of(rest)
    if ended_at is not None or not active or session.expires_at <= now:
        return _Outcome(None)
    if (yield room.control.step(SPEND, spent=presented, now=now)):
        successor = digest(room.refresh_tokens.successor(token))
        yield room.control.step(ADD_REFRESH, digest=successor, session_id=session.id, issued_at=now)
        yield room.control.step(TOUCH, session=session.id, now=now, expires=_expiry(room, session, now))
        return _Outcome(session)
    # Read again: another worker may have spent it, or ended the session, between our two statements.
    used_at, ended_at, *_ = room.control.read(FIND, (yield room.control.step(FIND, digest=presented)))[0]
    if ended_at is not None:
        return _Outcome(None)
    if now - used_at <= timedelta(seconds=room.options.grace_seconds):
        return _Outcome(session)
    yield room.control.step(END_ONE, session=session.id, now=now, reason="refresh_token_reused")
    yield from in_turn(room.revocations.steps(session.user_id, session.id))
    return _Outcome(session, reused=True)


def _expiry(room: Room, session: Session, now: datetime) -> datetime:
    idle = now + timedelta(days=room.options.idle_days)
    return min(idle, session.created_at + timedelta(days=room.options.limit_days))
