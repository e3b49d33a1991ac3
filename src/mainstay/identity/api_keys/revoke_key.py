"""Revoke a key: no process accepts it a second later."""

from collections.abc import Generator
from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam, update

from mainstay.base.errors import NotFound
from mainstay.identity.api_keys.tables import api_keys as k
from mainstay.identity.events import Fact
from mainstay.identity.ports import Step
from mainstay.identity.room import Room
from mainstay.storage.control import in_turn
from mainstay.storage.statement import Rows

REVOKE = (
    update(k)
    .where(
        k.c.id == bindparam("key"),
        k.c.user_id == bindparam("owner"),
        k.c.tenant_id == bindparam("tenant"),
        k.c.revoked_at.is_(None),
    )
    .values(revoked_at=bindparam("now"))
    .returning(k.c.id)
)
REVOKE_ALL = (
    update(k)
    .where(k.c.user_id == bindparam("owner"), k.c.revoked_at.is_(None))
    .values(revoked_at=bindparam("now"))
    .returning(k.c.id)
)


async def revoke_key(room: Room, owner: UUID, tenant: UUID, key: UUID) -> None:
    """Raises NotFound for a key that is not the owner's in this tenant, or was revoked before."""
    await room.control.write(revoke_steps(room, owner, tenant, key))
    room.revocations.applied(owner)


def revoke_steps(room: Room, owner: UUID, tenant: UUID, key: UUID) -> Generator[Step, Rows, None]:
    """The part of a script that revokes it. Raises NotFound as `revoke_key`."""
    if not (yield room.control.step(REVOKE, key=key, owner=owner, tenant=tenant, now=room.now())):
        raise NotFound("There is no such key.")
    # The owner's sessions are looked at again as well, which costs each of them one query.
    yield from in_turn(room.revocations.steps(owner))
    yield from in_turn(room.journal.steps(Fact("api_key.revoked", owner, tenant, details={"api_key_id": str(key)})))


def revoke_all_steps(room: Room, owner: UUID, now: datetime) -> tuple[Step, ...]:
    """Every key of an owner, in all tenants: for the transaction that deletes the account."""
    return (room.control.step(REVOKE_ALL, owner=owner, now=now),)
