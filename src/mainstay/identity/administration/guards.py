"""What must hold whenever an account or a role is changed, checked inside the transaction that changes it."""

from collections.abc import Generator
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import FromClause, Select, Text, bindparam, cast, func, select, true, update

from mainstay.base.actor import ADMIN
from mainstay.base.errors import Conflict, Forbidden, NotFound
from mainstay.identity.administration.standing import Administrator
from mainstay.identity.ports import Step
from mainstay.identity.room import Room
from mainstay.identity.tables import users as u
from mainstay.storage.control import in_turn
from mainstay.storage.statement import Rows

# It changes nothing: on PostgreSQL the row stays locked until the transaction ends.
HOLD_USER = update(u).where(u.c.id == bindparam("user")).values(active=u.c.active).returning(u.c.id)


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
    """Keep the account as it is until this script ends. Raises NotFound."""
    if not (yield room.control.step(HOLD_USER, user=user)):
        raise NotFound("There is no such user.")


def another_administrator(room: Room, user: UUID, tenant: UUID) -> Generator[Step, Rows, None]:
    """Raises Conflict where nobody but this user could administer the tenant: then nobody could let anybody in."""
    statement = _others(room.memberships.table())
    rows = yield room.control.step(statement, user=user, tenant=tenant)
    if room.control.read(statement, rows)[0][0] == 0:
        raise Conflict(
            "This is the last administrator here: make another one first.",
            code="last_admin",
        )


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


@cache
def _roles(members: FromClause) -> Select[Any]:
    return select(members.c.roles).where(
        members.c.user_id == bindparam("user"), members.c.tenant_id == bindparam("tenant")
    )


@cache
def _others(members: FromClause) -> Select[Any]:
    # People who can sign in; a service account with the role would be no help.
    return (
        select(func.count())
        .select_from(members.join(u, u.c.id == members.c.user_id))
        .where(
            members.c.tenant_id == bindparam("tenant"),
            members.c.user_id != bindparam("user"),
            u.c.active == true(),
            u.c.deletion_at.is_(None),
            cast(members.c.roles, Text).like(f'%"{ADMIN}"%'),
        )
    )


@cache
def _elsewhere(members: FromClause) -> Select[Any]:
    return (
        select(func.count())
        .select_from(members)
        .where(members.c.user_id == bindparam("user"), members.c.tenant_id != bindparam("tenant"))
    )
