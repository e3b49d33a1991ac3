"""Change what the app keeps of a user: every field, those too that the user does not write."""

from collections.abc import Generator, Mapping
from typing import Any
from uuid import UUID

from mainstay.base.errors import NotFound
from mainstay.identity.administration.guards import alone_here, hold_member, hold_user
from mainstay.identity.administration.standing import Administrator, require_may_touch
from mainstay.identity.events import Fact
from mainstay.identity.ports import Step
from mainstay.identity.room import Room
from mainstay.storage.control import in_turn
from mainstay.storage.statement import Rows


async def change_profile(room: Room, by: Administrator, user: UUID, data: Mapping[str, Any]) -> None:
    """Raises Invalid; Conflict for a value that is somebody else's; NotFound for somebody not theirs to see; Forbidden
    for an account that belongs to other tenants too, or holds more than the administrator.
    """
    values = room.fields.accept(data, room.fields.all, "profile")
    with room.fields.clashes():
        await room.control.write(_script(room, by, user, values))


def _script(room: Room, by: Administrator, user: UUID, values: Mapping[str, Any]) -> Generator[Step, Rows, None]:
    yield from hold_user(room, user)
    roles = yield from hold_member(room, user, by.tenant_id)
    if roles is None and not by.operates:
        raise NotFound("There is no such user.")
    yield from alone_here(room, by, user)
    require_may_touch(room, by, roles or frozenset())
    yield from room.fields.steps(room.control, user, values)
    fact = Fact("profile.changed", user, by.tenant_id, details={"fields": sorted(values)})
    yield from in_turn(room.journal.steps(fact))
