"""A tenant demands a second factor of its members, or does so no longer."""

from collections.abc import Generator
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import FromClause, Select, bindparam, select

from mainstay.base.errors import Conflict
from mainstay.identity.events import Fact
from mainstay.identity.factors.desk import Desk
from mainstay.identity.ports import Step
from mainstay.identity.room import Room
from mainstay.storage.control import in_turn
from mainstay.storage.statement import Rows

# So many are looked at again one by one; beyond that everybody is, in this tenant and in others.
ONE_BY_ONE = 1000


async def demand_factor(desk: Desk, tenant: UUID, demanded: bool, *, offered: bool, by: UUID | None) -> bool:
    """In effect within a second in every process. Whether that is new.

    Raises Conflict where the app offers no second factor that a member could add.
    """
    if demanded and not offered:
        raise Conflict("This app offers no second factor that its members could add.", code="no_factor_offered")
    looked_at: list[UUID | None] | None = await desk.room.control.write(_script(desk.room, tenant, demanded, by))
    for user in looked_at or ():
        desk.room.revocations.applied(user)
    return looked_at is not None


def _script(
    room: Room, tenant: UUID, demanded: bool, by: UUID | None
) -> Generator[Step, Rows, list[UUID | None] | None]:
    changed: Rows = []
    for step in room.memberships.demand_second_factor(tenant, demanded):
        changed = yield step
    if not changed:
        return None
    users: list[UUID | None] = [None]
    # Guests are no members, and are known by their tokens alone.
    if not any(issuer.guests and issuer.guest_tenant() == tenant for issuer in room.options.issuers):
        statement = _members(room.memberships.table())
        rows = room.control.read(statement, (yield room.control.step(statement, tenant=tenant, most=ONE_BY_ONE + 1)))
        if len(rows) <= ONE_BY_ONE:
            users = [row[0] for row in rows]
    for user in users:
        yield from in_turn(room.revocations.steps(user))
    fact = Fact("tenant.policy_changed", by, tenant, details={"second_factor": demanded})
    yield from in_turn(room.journal.steps(fact))
    return users


@cache
def _members(members: FromClause) -> Select[Any]:
    return (
        select(members.c.user_id)
        .where(members.c.tenant_id == bindparam("tenant"))
        .order_by(members.c.user_id)
        .limit(bindparam("most"))
    )
