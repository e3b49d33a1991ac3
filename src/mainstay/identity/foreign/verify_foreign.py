"""Verify an access token of another issuer that is not remembered, and find whom it speaks for."""

from datetime import UTC, datetime
from uuid import UUID, uuid5

from sqlalchemy import bindparam, select

from mainstay.identity.foreign.foreign_keys import FRESH_SECONDS
from mainstay.identity.foreign.foreign_token import Unverified, verify, words
from mainstay.identity.foreign.tables import subjects as t
from mainstay.identity.jose.foreign_issuer import ForeignIssuer
from mainstay.identity.jose.public_key import ForeignKey
from mainstay.identity.room import Room
from mainstay.identity.tables import users
from mainstay.identity.tokens.access_token import refused
from mainstay.identity.tokens.remembered import Verified

LINKED = (
    select(t.c.user_id, t.c.believed_from, users.c.active)
    .join(users, users.c.id == t.c.user_id)
    .where(t.c.issuer == bindparam("issuer"), t.c.subject == bindparam("subject"))
)
# Guests have ids that follow from issuer and subject, so that what they own stays theirs.
GUESTS = UUID("6f0d1b1e-5a0c-5d0e-9c39-2b1f6f1f2a77")


async def verify_foreign(
    room: Room, token: bytes, said: Unverified, issuer: ForeignIssuer, key: ForeignKey
) -> Verified:
    """Whom the token speaks for: the user that its subject is linked to, or a guest.

    Raises SignInRequired for a token that does not hold, and for a subject that nobody here is linked to.
    """
    now = room.now()
    claims = verify(token, key, said, issuer, now.timestamp())
    # Read before the database is asked: what is revoked from here on must not be remembered.
    epoch = room.remembered.epoch
    rows = await room.control.fetch(LINKED, issuer=issuer.issuer, subject=claims["sub"])
    named = words(claims, issuer.scopes_claim)
    scopes = None if named is None else frozenset(issuer.scopes.get(each, each) for each in named)
    # Not for as long as the token lives: the issuer may take its key back meanwhile.
    good = min(float(claims["exp"]) - now.timestamp(), FRESH_SECONDS)
    deadline = room.clock.monotonic() + good
    if rows:
        user_id, believed_from, active = rows[0]
        if not active or not _issued_since(claims.get("iat"), believed_from):
            raise refused()
        home = await room.memberships.home_of(user_id, issuer.tenant)
        verified = Verified(user_id, None, home, scopes, deadline, issuer=issuer.issuer)
    elif issuer.guests:
        roles = frozenset(issuer.guest_roles).union(
            issuer.roles[each] for each in words(claims, issuer.roles_claim) or () if each in issuer.roles
        )
        guest = uuid5(GUESTS, f"{issuer.issuer}\n{claims['sub']}")
        verified = Verified(guest, None, issuer.guest_tenant(), scopes, deadline, issuer=issuer.issuer, roles=roles)
    else:
        raise refused()
    room.remembered.remember(token, verified, epoch)
    return verified


def _issued_since(issued: object, believed_from: datetime | None) -> bool:
    if believed_from is None:
        return True
    return isinstance(issued, int | float) and datetime.fromtimestamp(issued, UTC) >= believed_from
