"""Make a key for oneself, or for a service account of one's tenant."""

from collections.abc import Generator, Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam, func, insert, select

from mainstay.base.errors import Conflict
from mainstay.base.ids import uuid7
from mainstay.identity.api_keys import secret as spelling
from mainstay.identity.api_keys.api_key import ApiKey, Maker, NewKey, require_future, require_name, require_within
from mainstay.identity.api_keys.list_keys import standing, theirs
from mainstay.identity.api_keys.owners import hold_owner
from mainstay.identity.api_keys.tables import api_key_secrets, api_keys
from mainstay.identity.events import Fact
from mainstay.identity.ports import Step
from mainstay.identity.room import Room
from mainstay.storage.control import in_turn
from mainstay.storage.statement import Rows

ADD_KEY = insert(api_keys).values(
    {c.name: bindparam(c.name) for c in api_keys.c if c.name not in ("last_used_at", "revoked_at")}
)
ADD_SECRET = insert(api_key_secrets).values(
    {c.name: bindparam(c.name) for c in api_key_secrets.c if c.name != "replaced_at"}
)
COUNT = select(func.count()).select_from(api_keys).where(theirs, standing)
EXPIRY = select(api_keys.c.expires_at).where(api_keys.c.id == bindparam("key"))


async def create_key(
    room: Room, maker: Maker, owner: UUID, name: str, scopes: Iterable[str], expires_at: datetime | None = None
) -> NewKey:
    """The key and its secret, in the maker's tenant. The owner is the maker, or a service account that the caller has
    made sure of: never a user named in a request.

    Raises Invalid, Forbidden (naming the scopes that the maker lacks), NotFound for an owner that is shut, Conflict
    for one that has as many keys as it may.
    """
    now = room.now()
    wanted, named = require_within(scopes, maker.scopes), require_name(name)
    until = await _no_longer_than(room, maker, require_future(expires_at, now))
    secret = spelling.new_secret()
    hint = spelling.hint(secret)
    key = ApiKey(uuid7(), owner, maker.tenant_id, named, wanted, now, maker.user_id, until, None, hint)
    await room.control.write(_create(room, key, secret))
    return NewKey(key, secret)


async def _no_longer_than(room: Room, maker: Maker, wanted: datetime | None) -> datetime | None:
    if maker.api_key_id is None:
        return wanted
    rows = await room.control.fetch(EXPIRY, key=maker.api_key_id)
    own = rows[0][0] if rows else None
    return own if wanted is None else wanted if own is None else min(wanted, own)


def _create(room: Room, key: ApiKey, secret: str) -> Generator[Step, Rows, None]:
    yield from hold_owner(room, key.user_id, key.tenant_id)
    values = {"owner": key.user_id, "tenant": key.tenant_id, "now": key.created_at}
    count = room.control.read(COUNT, (yield room.control.step(COUNT, **values)))[0][0]
    most = room.options.api_keys.most
    if count >= most:
        raise Conflict(f"There are {count} keys already, and at most {most}: revoke one.", code="too_many_keys")
    yield room.control.step(
        ADD_KEY,
        id=key.id,
        user_id=key.user_id,
        tenant_id=key.tenant_id,
        name=key.name,
        scopes=sorted(key.scopes),
        created_at=key.created_at,
        created_by=key.created_by,
        expires_at=key.expires_at,
    )
    yield add_secret(room, key.id, secret, key.created_at)
    yield from in_turn(room.journal.steps(fact(key, "api_key.created")))


def add_secret(room: Room, key: UUID, secret: str, now: datetime) -> Step:
    """The step that lets this secret open the key."""
    digest, hint = spelling.digest(secret), spelling.hint(secret)
    return room.control.step(ADD_SECRET, digest=digest, key_id=key, hint=hint, created_at=now)


def fact(key: ApiKey, name: str) -> Fact:
    """What the journal is told of a key: which one, and what it opens; never its secret."""
    details = {"api_key_id": str(key.id), "name": key.name, "scopes": sorted(key.scopes)}
    return Fact(name, key.user_id, key.tenant_id, details=details)
