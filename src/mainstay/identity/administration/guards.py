"""What must hold whenever an account or a role is changed, checked inside the transaction that changes it."""

from collections.abc import Generator
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import FromClause, Select, bindparam, func, select

from mainstay.base.errors import Forbidden, NotFound
from mainstay.identity.administration.standing import Administrator, require_may_touch
from mainstay.identity.leaders.another_leader import hold_person
from mainstay.identity.ports import Step
from mainstay.identity.room import Room
from mainstay.storage.control import in_turn
from mainstay.storage.statement import Rows


def hold_member(room: Room, user: UUID, tenant: UUID) -> Generator[Step, Rows, frozenset[str] | None]:
    """The roles held in the tenant, which nobody else changes until this script ends; None for no member."""
    yield from in_turn(room.memberships.hold(tenant))
    statement = _roles(room.memberships.table())
    rows = room.control.read(statement, (yield room.control.step(statement, user=user, tenant=tenant)))
    return frozenset(rows[0][0]) if rows else None


async def roles_here(room: Room, user: UUID, tenant: UUID) -> frozenset[str] | None:
    """The roles held in the tenant at this moment; None for no member."""
    rows = await room.control.fetch(_roles(room.memberships.table()), user=user, tenant=tenant)
    return frozenset(rows[0][0]) if rows else None


def hold_user(room: Room, user: UUID) -> Generator[Step, Rows, None]:
    """Keep the account as it is until this script ends: before a tenant is held. Raises NotFound."""
    if (yield from hold_person(room, user)) is None:
        raise NotFound("There is no such user.")


def alone_here(room: Room, by: Administrator, user: UUID) -> Generator[Step, Rows, None]:
    """Raises Forbidden where the account belongs to other tenants too, unless an operator asks.

    An administrator who could change such an account would reach into those tenants.
    """
    if by.operates:
        return
    statement = _elsewhere(room.memberships.table())
    rows = yield room.control.step(statement, user=user, tenant=by.tenant_id)
    if room.control.read(statement, rows)[0][0]:
        raise Forbidden(
            "This account belongs to other tenants too, so only its owner or an operator may change it. You may take "
            "it out of yours.",
            code="shared_account",
        )


def within_reach(room: Room, by: Administrator, user: UUID) -> Generator[Step, Rows, frozenset[str]]:
    """Hold the account until this script ends; the roles held in the administrator's tenant, none for no member.

    Raises NotFound for somebody not theirs to see; Forbidden for an account that belongs to other tenants too, or
    holds more than the administrator.
    """
    yield from hold_user(room, user)
    roles = yield from hold_member(room, user, by.tenant_id)
    if roles is None and not by.operates:
        raise NotFound("There is no such user.")
    yield from alone_here(room, by, user)
    require_may_touch(room, by, roles or frozenset())
    return roles or frozenset()


@cache
def _roles(members: FromClause) -> Select[Any]:
    return select(members.c.roles).where(
        members.c.user_id == bindparam("user"), members.c.tenant_id == bindparam("tenant")
    )


@cache
def _elsewhere(members: FromClause) -> Select[Any]:
    return (
        select(func.count())
        .select_from(members)
        .where(members.c.user_id == bindparam("user"), members.c.tenant_id != bindparam("tenant"))
    )
