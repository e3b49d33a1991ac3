"""Verify an access token that is not remembered: signature, claims, and whether its session still stands."""

from datetime import UTC, datetime

from sqlalchemy import bindparam, select

from mainstay.identity.room import Room
from mainstay.identity.sessions.refreshing.refresh import end_stolen
from mainstay.identity.sessions.session import session_of
from mainstay.identity.tables import FAMILY_COLUMNS, SESSION_COLUMNS, sessions, users
from mainstay.identity.tokens.access_token import head_of, refused, verify
from mainstay.identity.tokens.family import family_of
from mainstay.identity.tokens.remembered import Verified

STANDING = (
    select(sessions.c.ended_at, users.c.active, sessions.c.turn, *FAMILY_COLUMNS, *SESSION_COLUMNS)
    .join(users, users.c.id == sessions.c.user_id)
    .where(sessions.c.id == bindparam("session"))
)


async def verify_token(room: Room, token: bytes) -> Verified:
    """The session behind the token. Raises SignInRequired for a token that does not hold."""
    found = await room.keys.find(head_of(token))
    if found is None:
        raise refused()
    key, record = found
    claims = verify(token, key, room.options, lambda: int(room.now().timestamp()))
    # Read before the database is asked: what is revoked from here on must not be remembered.
    epoch = room.remembered.epoch
    rows = await room.control.fetch(STANDING, session=claims.session_id)
    now = room.now()
    if not rows:
        raise refused()
    ended_at, active, turn, *rest = rows[0]
    session, family = session_of(rest[5:]), family_of(*rest[:5])
    if session.user_id != claims.user_id or session.tenant_id != claims.tenant_id or session.expires_at <= now:
        raise refused()
    # A cookie session is given no access tokens.
    if session.kind != "bearer":
        raise refused()
    if ended_at is not None or not active:
        raise refused("This session has ended; sign in again.")
    if not family.vouches(claims.generation, int(now.timestamp() * 1000), room.options.grace_seconds * 1000):
        # It was given in an answer that somebody then said to have lost: there are two of them.
        await room.control.write(end_stolen(room, session))
        room.revocations.applied(session.user_id, session.id)
        raise refused("This session has ended; sign in again.")
    if claims.generation == family.current and not family.seen:
        room.sightings.seen(session.id, turn)
    until = min(
        datetime.fromtimestamp(claims.expires, UTC), session.expires_at, record.verifies_until or session.expires_at
    )
    deadline = room.clock.monotonic() + (until - now).total_seconds()
    verified = Verified(
        session.user_id,
        session.id,
        session.tenant_id,
        claims.scopes,
        deadline,
        methods=session.methods,
        authenticated_at=session.authenticated_at,
        impersonator_id=session.impersonator_id,
    )
    room.remembered.remember(token, verified, epoch)
    return verified
