"""The last administrator of a tenant, and the last operator of the system, stay until there is another one.

Asked by whatever shuts or deletes an account or takes a role or a place away, inside the transaction that does it.
Locks are taken in one order by all of them, the account before the tenants and those by id, so that of two who remove
each other one waits, and is refused.
"""

from collections.abc import Generator, Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import FromClause, Select, Text, bindparam, cast, func, or_, select, true, update

from mainstay.base.actor import ADMIN
from mainstay.base.errors import Conflict, NotFound
from mainstay.base.tenant import DEFAULT_TENANT
from mainstay.identity.ports import Step
from mainstay.identity.room import Room
from mainstay.identity.tables import users as u
from mainstay.storage.control import in_turn
from mainstay.storage.statement import Rows

OPERATE = "system:write"
# It changes nothing: on PostgreSQL the row stays locked until the transaction ends.
HOLD = (
    update(u)
    .where(u.c.id == bindparam("user"))
    .values(active=u.c.active)
    .returning(u.c.id, u.c.active, u.c.deletion_at)
)


@dataclass(frozen=True, slots=True)
class Lead:
    """What somebody is in a tenant: any of the roles makes another one."""

    tenant_id: UUID
    roles: tuple[str, ...]
    code: str
    refusal: str


def leads_of(room: Room, tenant: UUID, held: frozenset[str]) -> list[Lead]:
    """What who holds these roles in the tenant leads."""
    found = []
    if ADMIN in held:
        text = "This is the last administrator of the tenant: make another one first."
        found.append(Lead(tenant, (ADMIN,), "last_admin", text))
    if tenant == DEFAULT_TENANT and OPERATE in room.catalogue.scopes_of(held):
        operators = tuple(role.name for role in room.catalogue.role_list() if OPERATE in role.scopes)
        text = "This is the last operator of the system: make another one first."
        found.append(Lead(tenant, operators, "last_operator", text))
    return found


def lost(room: Room, tenant: UUID, held: frozenset[str], wanted: frozenset[str]) -> list[Lead]:
    """What somebody leads no longer whose roles change."""
    kept = leads_of(room, tenant, wanted)
    return [lead for lead in leads_of(room, tenant, held) if lead not in kept]


def hold_person(room: Room, user: UUID) -> Generator[Step, Rows, bool | None]:
    """Keep the account as it is until this script ends. Whether it can lead anybody: not one that is shut, or to be
    deleted. None where there is no such user."""
    rows = room.control.read(HOLD, (yield room.control.step(HOLD, user=user)))
    return bool(rows[0][1]) and rows[0][2] is None if rows else None


def hold_account(room: Room, user: UUID, also: Iterable[UUID] = ()) -> Generator[Step, Rows, list[Lead]]:
    """Keep the account, the tenants that it leads, and those of `also` as they are. What it leads.

    Raises NotFound where there is no such user.
    """
    counts = yield from hold_person(room, user)
    if counts is None:
        raise NotFound("There is no such user.")
    statement = _everywhere(room.memberships.table())
    rows = room.control.read(statement, (yield room.control.step(statement, user=user)))
    leads = [lead for tenant, roles in rows for lead in leads_of(room, tenant, frozenset(roles))] if counts else []
    for tenant in sorted({*also, *(lead.tenant_id for lead in leads)}, key=str):
        yield from in_turn(room.memberships.hold(tenant))
    return leads


def require_others(room: Room, user: UUID, leads: Iterable[Lead]) -> Generator[Step, Rows, None]:
    """Raises Conflict where nobody else leads the same. Hold the account and the tenants before."""
    for lead in leads:
        statement = _others(room.memberships.table(), lead.roles)
        rows = yield room.control.step(statement, user=user, tenant=lead.tenant_id)
        if room.control.read(statement, rows)[0][0] == 0:
            raise Conflict(lead.refusal, code=lead.code, extra={"tenant_id": str(lead.tenant_id)})


@cache
def _everywhere(members: FromClause) -> Select[Any]:
    return select(members.c.tenant_id, members.c.roles).where(members.c.user_id == bindparam("user"))


@cache
def _others(members: FromClause, roles: tuple[str, ...]) -> Select[Any]:
    # People who can sign in; a service account with the role would be no help.
    held = cast(members.c.roles, Text)
    return (
        select(func.count())
        .select_from(members.join(u, u.c.id == members.c.user_id))
        .where(
            members.c.tenant_id == bindparam("tenant"),
            members.c.user_id != bindparam("user"),
            u.c.active == true(),
            u.c.deletion_at.is_(None),
            or_(*(held.contains(f'"{role}"', autoescape=True) for role in roles)),
        )
    )
