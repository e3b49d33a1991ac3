"""The keys of one owner in one tenant."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import bindparam, or_, select

from mainstay.identity.api_keys.api_key import ApiKey, key_of
from mainstay.identity.api_keys.tables import api_key_secrets as s
from mainstay.identity.api_keys.tables import api_keys as k
from mainstay.identity.room import Room

_newest = (
    select(s.c.hint)
    .where(s.c.key_id == k.c.id)
    .order_by(s.c.created_at.desc(), s.c.digest)
    .limit(1)
    .correlate(k)
    .scalar_subquery()
)
COLUMNS = (
    k.c.id, k.c.user_id, k.c.tenant_id, k.c.name, k.c.scopes, k.c.created_at, k.c.created_by, k.c.expires_at,
    k.c.last_used_at, _newest.label("hint"),
)  # fmt: skip
theirs = (k.c.user_id == bindparam("owner")) & (k.c.tenant_id == bindparam("tenant")) & k.c.revoked_at.is_(None)
standing = or_(k.c.expires_at.is_(None), k.c.expires_at > bindparam("now"))
LIST = select(*COLUMNS).where(theirs).order_by(k.c.created_at.desc(), k.c.id).limit(1000)
ONE = select(*COLUMNS).where(theirs, k.c.id == bindparam("key"))


async def list_keys(room: Room, owner: UUID, tenant: UUID) -> Sequence[ApiKey]:
    """Up to 1000 keys that were not revoked, the newest first; expired ones are among them."""
    return [key_of(row) for row in await room.control.fetch(LIST, owner=owner, tenant=tenant)]


async def get_key(room: Room, owner: UUID, tenant: UUID, key: UUID) -> ApiKey | None:
    rows = await room.control.fetch(ONE, owner=owner, tenant=tenant, key=key)
    return key_of(rows[0]) if rows else None
