"""Somebody's API keys, seen and revoked by who administers them: those for their tenant, or all by operators."""

from collections.abc import Generator, Sequence
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import Select, bindparam, select

from mainstay.base.errors import NotFound
from mainstay.identity.administration import Administrator
from mainstay.identity.administration.find_accounts import require_account
from mainstay.identity.administration.guards import hold_member, hold_user
from mainstay.identity.administration.standing import require_may_touch
from mainstay.identity.api_keys.api_key import ApiKey, key_of
from mainstay.identity.api_keys.list_keys import COLUMNS
from mainstay.identity.api_keys.revoke_key import revoke_steps
from mainstay.identity.api_keys.tables import api_keys as k
from mainstay.identity.events import Fact
from mainstay.identity.ports import Step
from mainstay.identity.room import Room
from mainstay.storage.statement import Rows

TENANT_OF = select(k.c.tenant_id).where(k.c.id == bindparam("key"), k.c.user_id == bindparam("owner"))


async def list_keys_of(room: Room, by: Administrator, user: UUID) -> Sequence[ApiKey]:
    """Up to 1000 that were not revoked, the newest first. Raises NotFound for somebody not theirs to see."""
    await require_account(room, by, user)
    bound = {} if by.oversees else {"tenant": by.tenant_id}
    rows = await room.control.fetch(_list(by.oversees), owner=user, **bound)
    await room.journal.tell(Fact("user.api_keys_read", user, by.tenant_id))
    return [key_of(row) for row in rows]


async def revoke_key_of(room: Room, by: Administrator, user: UUID, key: UUID) -> None:
    """No process accepts it a second later. A key opens one tenant alone, so that its administrators revoke it also
    where its owner belongs to others.

    Raises NotFound for what is none of theirs; Forbidden for a user who holds more than the administrator.
    """
    await room.control.write(_revoke(room, by, user, key))
    room.revocations.applied(user)


def _revoke(room: Room, by: Administrator, user: UUID, key: UUID) -> Generator[Step, Rows, None]:
    yield from hold_user(room, user)
    roles = yield from hold_member(room, user, by.tenant_id)
    if roles is None and not by.operates:
        raise NotFound("There is no such user.")
    require_may_touch(room, by, roles or frozenset())
    found = room.control.read(TENANT_OF, (yield room.control.step(TENANT_OF, key=key, owner=user)))
    if not found or not (by.operates or found[0][0] == by.tenant_id):
        raise NotFound("There is no such key.")
    yield from revoke_steps(room, user, found[0][0], key)


@cache
def _list(everywhere: bool) -> Select[Any]:
    theirs = select(*COLUMNS).where(k.c.user_id == bindparam("owner"), k.c.revoked_at.is_(None))
    theirs = theirs if everywhere else theirs.where(k.c.tenant_id == bindparam("tenant"))
    return theirs.order_by(k.c.created_at.desc(), k.c.id).limit(1000)
