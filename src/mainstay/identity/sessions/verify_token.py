"""Verify an access token that is not remembered: signature, claims, and whether its session still stands."""

from datetime import UTC, datetime

from sqlalchemy import bindparam, select

from mainstay.identity.room import Room
from mainstay.identity.tables import sessions, users
from mainstay.identity.tokens.access_token import key_id, refused, verify
from mainstay.identity.tokens.remembered import Verified

STANDING = (
    select(sessions.c.user_id, sessions.c.tenant_id, sessions.c.expires_at, sessions.c.ended_at, users.c.active)
    .join(users, users.c.id == sessions.c.user_id)
    .where(sessions.c.id == bindparam("session"))
)


async def verify_token(room: Room, token: bytes) -> Verified:
    """The session behind the token. Raises SignInRequired for a token that does not hold."""
    key = await room.keys.find(key_id(token))
    if key is None:
        raise refused()
    claims = verify(token, key.pair, room.options, lambda: int(room.now().timestamp()))
    # Read before the database is asked: what is revoked from here on must not be remembered.
    epoch = room.remembered.epoch
    rows = await room.control.fetch(STANDING, session=claims.session_id)
    now = room.now()
    if not rows:
        raise refused()
    user_id, tenant_id, expires_at, ended_at, active = rows[0]
    if user_id != claims.user_id or tenant_id != claims.tenant_id or expires_at <= now:
        raise refused()
    if ended_at is not None or not active:
        raise refused("This session has ended; sign in again.")
    until = min(datetime.fromtimestamp(claims.expires, UTC), expires_at)
    deadline = room.clock.monotonic() + (until - now).total_seconds()
    verified = Verified(claims.user_id, claims.session_id, claims.tenant_id, claims.scopes, deadline)
    room.remembered.remember(token, verified, epoch)
    return verified
