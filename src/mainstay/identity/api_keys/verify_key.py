"""Verify a key that is not remembered: whether it, its secret and its owner stand."""

from datetime import timedelta

from sqlalchemy import bindparam, select

from mainstay.base.errors import SignInRequired
from mainstay.identity.api_keys.last_use import LastUse
from mainstay.identity.api_keys.secret import digest, well_formed
from mainstay.identity.api_keys.tables import api_key_secrets, api_keys, service_accounts
from mainstay.identity.room import Room
from mainstay.identity.tables import users
from mainstay.identity.tokens.remembered import Verified

STANDING = (
    select(
        api_keys.c.id, api_keys.c.user_id, api_keys.c.tenant_id, api_keys.c.scopes, api_keys.c.expires_at,
        api_key_secrets.c.replaced_at, users.c.active, users.c.deletion_at, service_accounts.c.active,
    )
    .select_from(api_key_secrets)
    .join(api_keys, api_keys.c.id == api_key_secrets.c.key_id)
    .outerjoin(users, users.c.id == api_keys.c.user_id)
    .outerjoin(service_accounts, service_accounts.c.id == api_keys.c.user_id)
    .where(api_key_secrets.c.digest == bindparam("digest"), api_keys.c.revoked_at.is_(None))
)  # fmt: skip


async def verify_key(room: Room, token: bytes, last_use: LastUse) -> Verified:
    """Whom the key speaks for. Raises SignInRequired, with one text for all that does not hold."""
    if not well_formed(token):
        raise _refused()
    # Read before the database is asked: what is revoked from here on must not be remembered.
    epoch = room.remembered.epoch
    rows = await room.control.fetch(STANDING, digest=digest(token))
    if not rows:
        raise _refused()
    key, user, tenant, scopes, expires_at, replaced_at, user_active, deletion_at, account_active = rows[0]
    now = room.now()
    # Looked at again now and then although nothing changed, so that the last use is known to within that time.
    until = now + timedelta(seconds=room.options.api_keys.looked_at_again)
    for end in (expires_at, replaced_at):
        if end is not None:
            until = min(until, end)
    # An account about to be erased is used by nobody: its user may sign in and keep it, and a program may not.
    stands = account_active or (user_active and deletion_at is None)
    if until <= now or not stands:
        raise _refused()
    deadline = room.clock.monotonic() + (until - now).total_seconds()
    verified = Verified(user, None, tenant, frozenset(scopes), deadline, api_key_id=key)
    room.remembered.remember(token, verified, epoch)
    last_use.note(key, now)
    return verified


def _refused() -> SignInRequired:
    return SignInRequired("The API key is not valid.", error="invalid_token")
