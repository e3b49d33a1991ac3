"""Exchange a family token for the next one (RFC 9700 §4.14.2): a refresh token, or the value of a session cookie.

What each token that is shown means stands in `family`; here it is carried out, in one transaction. Nearly always it
is the current refresh token of a session that stands: `refresh_at_once`.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, select, update

from mainstay.identity.errors import RefreshRefused
from mainstay.identity.events import Fact
from mainstay.identity.room import Room
from mainstay.identity.sessions.end_session import END_ONE
from mainstay.identity.sessions.give_tokens import tokens_for
from mainstay.identity.sessions.refreshing.refresh_at_once import BEHIND, refresh_at_once
from mainstay.identity.sessions.session import Session, Tokens, session_of
from mainstay.identity.sessions.start_session import extended
from mainstay.identity.tables import FAMILY_COLUMNS, SESSION_COLUMNS, sessions, users
from mainstay.identity.tokens.family import Family, Verdict, family_of
from mainstay.identity.tokens.refresh_token import Kind, Shown
from mainstay.storage.control import in_turn
from mainstay.storage.statement import Rows

FIND = (
    select(sessions.c.ended_at, users.c.active, sessions.c.salt, sessions.c.turn, *FAMILY_COLUMNS, *SESSION_COLUMNS)
    .join(users, users.c.id == sessions.c.user_id)
    .where(sessions.c.id == bindparam("session"))
)
_unmoved = (
    update(sessions)
    .where(sessions.c.id == bindparam("session"), sessions.c.turn == bindparam("was"), sessions.c.ended_at.is_(None))
    .returning(sessions.c.turn)
)
# Of several that try at once exactly one gets a row back; the others look again.
MOVE = _unmoved.values(
    {column.name: bindparam(column.name) for column in FAMILY_COLUMNS}
    | {"turn": sessions.c.turn + 1, "last_used_at": bindparam("now")}
)
EXTEND = MOVE.values(expires_at=bindparam("expires"))


@dataclass(frozen=True, slots=True)
class _Outcome:
    session: Session
    salt: str
    turn: int
    family: Family
    verdict: Verdict


async def refresh(room: Room, token: str, kind: Kind = "bearer") -> Tokens:
    """New tokens of the same session. Raises RefreshRefused for a token that is unknown, of an ended session, or
    shown by a second party: then the session has ended for everybody.
    """
    shown = room.family_tokens.read(kind, token)
    if shown is None:
        raise RefreshRefused
    if kind == "bearer" and (tokens := await refresh_at_once(room, shown)) is not None:
        return tokens
    outcome = await _outcome(room, shown, kind)
    if outcome is None or outcome.verdict is Verdict.UNKNOWN:
        raise RefreshRefused
    session, number = outcome.session, outcome.family.current
    if outcome.verdict is Verdict.STOLEN:
        room.revocations.applied(session.user_id, session.id)
        raise RefreshRefused
    if outcome.verdict is Verdict.INSTEAD or kind == "cookie":
        room.revocations.applied(session.user_id, session.id)
    token = room.family_tokens.spell(kind, session.id.bytes, number, outcome.salt)
    return await tokens_for(room, session, token, number)


async def _outcome(room: Room, shown: Shown, kind: Kind) -> _Outcome | None:
    """What becomes of a token. What changes nothing needs no transaction."""
    outcome = _judged(room, shown, kind, await room.control.fetch(FIND, session=shown.session_id))
    if outcome is None or outcome.verdict in (Verdict.SAME, Verdict.UNKNOWN):
        return outcome
    found: _Outcome | None = await room.control.write(_exchange(room, shown, kind))
    return found


def _judged(room: Room, shown: Shown, kind: Kind, found: Rows) -> _Outcome | None:
    """The family after the token was shown; None where it opens nothing."""
    if not found:
        return None
    ended_at, active, salt, turn, *rest = found[0]
    session, now = session_of(rest[5:]), room.now()
    if session.kind != kind or not shown.is_of(salt):
        return None
    if ended_at is not None or not active or session.expires_at <= now or session.impersonator_id is not None:
        return None
    window = room.options.grace_seconds * 1000
    family, verdict = family_of(*rest[:5]).exchange(shown.number, int(now.timestamp() * 1000), window)
    return _Outcome(session, salt, turn, family, verdict)


def _move(room: Room, outcome: _Outcome) -> Any:
    session, now, turn = outcome.session, room.now(), outcome.turn
    moved = {"session": session.id, "was": turn, "now": now, **outcome.family.kept()}
    ends = extended(room, session, now)
    if (ends - session.expires_at) * BEHIND > ends - now:
        return (yield room.control.step(EXTEND, **moved, expires=ends))
    return (yield room.control.step(MOVE, **moved))


def _exchange(room: Room, shown: Shown, kind: Kind) -> Any:
    # Answers an outcome instead of raising: ending a session has to be committed.
    while True:
        found = room.control.read(FIND, (yield room.control.step(FIND, session=shown.session_id)))
        outcome = _judged(room, shown, kind, found)
        if outcome is None:
            return None
        session = outcome.session
        if outcome.verdict is Verdict.STOLEN:
            yield from end_stolen(room, session)
        if outcome.verdict in (Verdict.NEXT, Verdict.INSTEAD):
            if not (yield from _move(room, outcome)):
                continue
            if outcome.verdict is Verdict.INSTEAD or kind == "cookie":
                # What is remembered of the answer that was lost, or of the cookie before this one, is looked at again.
                yield from in_turn(room.revocations.steps(session.user_id, session.id))
        return outcome


def end_stolen(room: Room, session: Session) -> Any:
    """The steps that end a session which two parties hold."""
    now = room.now()
    yield room.control.step(END_ONE, session=session.id, now=now, reason="token_reused")
    yield from in_turn(room.revocations.steps(session.user_id, session.id))
    fact = Fact("session.token_reused", session.user_id, session.tenant_id, session.id, {"kind": session.kind})
    yield from in_turn(room.journal.steps(fact))
