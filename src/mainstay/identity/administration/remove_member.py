"""Take somebody out of the administrator's tenant."""

from collections.abc import Generator
from uuid import UUID

from mainstay.base.errors import Conflict, NotFound
from mainstay.identity.administration.change_member import replaced
from mainstay.identity.administration.guards import hold_member
from mainstay.identity.administration.standing import Administrator, require_may_touch
from mainstay.identity.leaders.another_leader import hold_person
from mainstay.identity.ports import Step
from mainstay.identity.room import Room
from mainstay.identity.sessions.end_acting import ended
from mainstay.storage.statement import Rows


async def remove_member(room: Room, by: Administrator, user: UUID) -> None:
    """The account stays, for it may belong elsewhere; here it is refused within a second.

    Raises NotFound for somebody who is no member, Forbidden for one who holds more than the administrator, Conflict
    for oneself and for the last administrator.
    """
    if user == by.user_id:
        raise Conflict("You would shut yourself out; another administrator can do it.", code="own_account")
    acted = await room.control.write(_script(room, by, user))
    ended(room, [user, *acted])


def _script(room: Room, by: Administrator, user: UUID) -> Generator[Step, Rows, list[UUID]]:
    leads = yield from hold_person(room, user)
    roles = yield from hold_member(room, user, by.tenant_id)
    if roles is None:
        raise NotFound("There is no such user.")
    require_may_touch(room, by, roles)
    return (yield from replaced(room, by.tenant_id, user, roles, None, leads=bool(leads)))
