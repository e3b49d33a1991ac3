"""Exchange a family token for the next one (RFC 9700 §4.14.2): a refresh token, or the value of a session cookie.

What each token that is shown means stands in `family`; here it is carried out, in one transaction.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, select, update

from mainstay.identity.errors import RefreshRefused
from mainstay.identity.events import Fact
from mainstay.identity.room import Room
from mainstay.identity.sessions.end_session import END_ONE
from mainstay.identity.sessions.family import Verdict, family_of
from mainstay.identity.sessions.give_tokens import tokens_for
from mainstay.identity.sessions.session import Session, Tokens, session_of
from mainstay.identity.sessions.start_session import extended
from mainstay.identity.tables import SESSION_COLUMNS, sessions, users
from mainstay.identity.tokens.refresh_token import Kind, Shown
from mainstay.storage.control import in_turn

FIND = (
    select(sessions.c.ended_at, users.c.active, sessions.c.salt, sessions.c.family, sessions.c.turn, *SESSION_COLUMNS)
    .join(users, users.c.id == sessions.c.user_id)
    .where(sessions.c.id == bindparam("session"))
)
# Of several that try at once exactly one gets a row back; the others look again.
MOVE = (
    update(sessions)
    .where(sessions.c.id == bindparam("session"), sessions.c.turn == bindparam("was"), sessions.c.ended_at.is_(None))
    .values(
        family=bindparam("family"),
        turn=bindparam("turn"),
        last_used_at=bindparam("now"),
        expires_at=bindparam("expires"),
    )
    .returning(sessions.c.turn)
)


@dataclass(frozen=True, slots=True)
class _Outcome:
    session: Session
    verdict: Verdict
    salt: str = ""
    number: int = 0


async def refresh(room: Room, token: str, kind: Kind = "bearer") -> Tokens:
    """New tokens of the same session. Raises RefreshRefused for a token that is unknown, of an ended session, or
    shown by a second party: then the session has ended for everybody.
    """
    shown = room.family_tokens.read(kind, token)
    outcome = None if shown is None else await room.control.write(_exchange(room, shown, kind))
    if outcome is None or outcome.verdict is Verdict.UNKNOWN:
        raise RefreshRefused
    session = outcome.session
    if outcome.verdict is Verdict.STOLEN:
        room.revocations.applied(session.user_id, session.id)
        raise RefreshRefused
    if outcome.verdict is Verdict.INSTEAD or kind == "cookie":
        room.revocations.applied(session.user_id, session.id)
    following = room.family_tokens.spell(kind, session.id, outcome.number, outcome.salt)
    return await tokens_for(room, session, following, outcome.number)


def _exchange(room: Room, shown: Shown, kind: Kind) -> Any:
    # Answers an outcome instead of raising: ending a session has to be committed.
    window = room.options.grace_seconds * 1000
    while True:
        found = room.control.read(FIND, (yield room.control.step(FIND, session=shown.session_id)))
        if not found:
            return None
        ended_at, active, salt, kept, turn, *rest = found[0]
        session, now = session_of(rest), room.now()
        if session.kind != kind or not room.family_tokens.proves(kind, shown, salt):
            return None
        if ended_at is not None or not active or session.expires_at <= now or session.impersonator_id is not None:
            return None
        family, verdict = family_of(kept).exchange(shown.number, int(now.timestamp() * 1000), window)
        if verdict is Verdict.STOLEN:
            yield from end_stolen(room, session)
            return _Outcome(session, verdict)
        if verdict in (Verdict.NEXT, Verdict.INSTEAD):
            ends = extended(room, session, now)
            moved = yield room.control.step(
                MOVE, session=session.id, was=turn, family=family.kept(), turn=turn + 1, now=now, expires=ends
            )
            if not moved:
                continue
            if verdict is Verdict.INSTEAD or kind == "cookie":
                # What is remembered of the answer that was lost, or of the cookie before this one, is looked at again.
                yield from in_turn(room.revocations.steps(session.user_id, session.id))
        return _Outcome(session, verdict, salt, family.current)


def end_stolen(room: Room, session: Session) -> Any:
    """The steps that end a session which two parties hold."""
    now = room.now()
    yield room.control.step(END_ONE, session=session.id, now=now, reason="token_reused")
    yield from in_turn(room.revocations.steps(session.user_id, session.id))
    fact = Fact("session.token_reused", session.user_id, session.tenant_id, session.id, {"kind": session.kind})
    yield from in_turn(room.journal.steps(fact))
