"""Verify the value of a session cookie that is not remembered: whose it is, and whether two parties hold it."""

from datetime import timedelta

from mainstay.identity.errors import SessionEnded
from mainstay.identity.room import Room
from mainstay.identity.sessions.refreshing.refresh import FIND, end_stolen
from mainstay.identity.sessions.session import session_of
from mainstay.identity.sessions.start_session import extended
from mainstay.identity.tokens.family import Verdict, family_of
from mainstay.identity.tokens.remembered import Verified

# How long a cookie is believed before it is noted that its session is still in use.
NOTED_EVERY = timedelta(minutes=5)


async def verify_cookie(room: Room, value: str) -> Verified:
    """The session behind the cookie. Raises SessionEnded for one that opens none."""
    shown = room.family_tokens.read("cookie", value)
    if shown is None:
        raise SessionEnded
    # Read before the database is asked: what is revoked from here on must not be remembered.
    epoch = room.remembered.epoch
    rows = await room.control.fetch(FIND, session=shown.session_id)
    now = room.now()
    if not rows:
        raise SessionEnded
    ended_at, active, salt, turn, *rest = rows[0]
    session, family = session_of(rest[5:]), family_of(*rest[:5])
    if session.kind != "cookie" or not shown.is_of(salt):
        raise SessionEnded
    if ended_at is not None or not active or session.expires_at <= now:
        raise SessionEnded
    verdict = family.use(shown.number, int(now.timestamp() * 1000), room.options.grace_seconds * 1000)
    if verdict is Verdict.STOLEN:
        await room.control.write(end_stolen(room, session))
        room.revocations.applied(session.user_id, session.id)
    if verdict in (Verdict.STOLEN, Verdict.UNKNOWN):
        raise SessionEnded
    ends = extended(room, session, now)
    until = min(session.expires_at, now + min(NOTED_EVERY, (ends - now) / 10))
    verified = Verified(
        session.user_id,
        session.id,
        session.tenant_id,
        session.scopes,
        room.clock.monotonic() + (until - now).total_seconds(),
        methods=session.methods,
        authenticated_at=session.authenticated_at,
        impersonator_id=session.impersonator_id,
        csrf=room.csrf_tokens.of(session.id).encode(),
    )
    room.sightings.used(session.id, ends)
    if verdict is Verdict.NEXT:
        if not family.seen:
            room.sightings.seen(session.id, turn)
        # One that is good only for another moment is looked at each time.
        room.remembered.remember(value.encode("latin-1"), verified, epoch, cookie=True)
    return verified
