"""Make, list, shut and remove the service accounts of a tenant."""

from collections.abc import Generator, Iterable, Sequence
from uuid import UUID

from sqlalchemy import bindparam, delete, insert, select, update

from mainstay.base.errors import Conflict, NotFound
from mainstay.base.ids import uuid7
from mainstay.identity.administration.standing import Administrator, require_may_give, require_may_touch
from mainstay.identity.api_keys.api_key import require_name
from mainstay.identity.api_keys.machine_account import ServiceAccount
from mainstay.identity.api_keys.revoke_key import revoke_all_steps
from mainstay.identity.api_keys.tables import service_accounts as t
from mainstay.identity.events import Fact
from mainstay.identity.ports import Step
from mainstay.identity.room import Room
from mainstay.storage import errors
from mainstay.storage.control import in_turn
from mainstay.storage.statement import Rows

MOST = 1000
ADD = insert(t).values({c.name: bindparam(c.name) for c in t.c})
_one = (t.c.id == bindparam("account")) & (t.c.tenant_id == bindparam("tenant"))
GET = select(*t.c).where(_one)
LIST = select(*t.c).where(t.c.tenant_id == bindparam("tenant")).order_by(t.c.name, t.c.id).limit(MOST)
SET_ACTIVE = update(t).where(_one).values(active=bindparam("active")).returning(t.c.id)
REMOVE = delete(t).where(_one).returning(t.c.id)


async def create_service_account(room: Room, by: Administrator, name: str, roles: Iterable[str]) -> ServiceAccount:
    """A program of the administrator's tenant, with these roles there.

    Raises Invalid for a bad name, Forbidden for roles that the administrator may not give, Conflict for a name in use.
    """
    given = require_may_give(room, by, frozenset(roles))
    account = ServiceAccount(uuid7(), by.tenant_id, require_name(name), True, room.now(), by.user_id)
    try:
        await room.control.write(_create(room, account, given))
    except errors.UniqueClash:
        raise Conflict("A service account of this name is there already.", code="name_taken") from None
    return account


async def list_service_accounts(room: Room, tenant: UUID) -> Sequence[ServiceAccount]:
    """Those of a tenant, by name."""
    return [ServiceAccount(*row) for row in await room.control.fetch(LIST, tenant=tenant)]


async def require_service_account(room: Room, tenant: UUID, account: UUID) -> ServiceAccount:
    """Raises NotFound for one that is not this tenant's."""
    rows = await room.control.fetch(GET, account=account, tenant=tenant)
    if not rows:
        raise NotFound("There is no such service account.")
    return ServiceAccount(*rows[0])


async def set_active(room: Room, by: Administrator, account: UUID, active: bool) -> ServiceAccount:
    """Shut it, so that no key of it opens anything, or open it again. Raises NotFound or Forbidden."""
    found = await require_service_account(room, by.tenant_id, account)
    await _may_touch(room, by, account)
    await room.control.write(_set_active(room, found, active))
    room.revocations.applied(account)
    return ServiceAccount(found.id, found.tenant_id, found.name, active, found.created_at, found.created_by)


async def remove_service_account(room: Room, by: Administrator, account: UUID) -> None:
    """Its keys are revoked, and its place in the tenant is given up. Raises NotFound or Forbidden."""
    found = await require_service_account(room, by.tenant_id, account)
    await _may_touch(room, by, account)
    await room.control.write(_remove(room, found))
    room.revocations.applied(account)


async def _may_touch(room: Room, by: Administrator, account: UUID) -> None:
    roles = await room.memberships.roles_of(account, by.tenant_id)
    require_may_touch(room, by, roles or frozenset())


def _create(room: Room, account: ServiceAccount, roles: Sequence[str]) -> Generator[Step, Rows, None]:
    yield room.control.step(
        ADD,
        id=account.id,
        tenant_id=account.tenant_id,
        name=account.name,
        active=True,
        created_at=account.created_at,
        created_by=account.created_by,
    )
    yield from in_turn(room.memberships.welcome(account.id, roles, account.tenant_id))
    yield from in_turn(room.journal.steps(_fact(account, "service_account.created", roles=sorted(roles))))


def _set_active(room: Room, account: ServiceAccount, active: bool) -> Generator[Step, Rows, None]:
    if not (yield room.control.step(SET_ACTIVE, account=account.id, tenant=account.tenant_id, active=active)):
        raise NotFound("There is no such service account.")
    yield from in_turn(room.revocations.steps(account.id))
    word = "activated" if active else "deactivated"
    yield from in_turn(room.journal.steps(_fact(account, f"service_account.{word}")))


def _remove(room: Room, account: ServiceAccount) -> Generator[Step, Rows, None]:
    if not (yield room.control.step(REMOVE, account=account.id, tenant=account.tenant_id)):
        raise NotFound("There is no such service account.")
    yield from in_turn(revoke_all_steps(room, account.id, room.now()))
    yield from in_turn(room.memberships.leave(account.id, account.tenant_id))
    yield from in_turn(room.revocations.steps(account.id))
    yield from in_turn(room.journal.steps(_fact(account, "service_account.removed")))


def _fact(account: ServiceAccount, name: str, **details: object) -> Fact:
    return Fact(name, account.id, account.tenant_id, details={"name": account.name, **details})
