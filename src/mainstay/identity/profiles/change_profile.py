"""Change the app's own columns of a user: those that users write themselves."""

from collections.abc import Generator, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, update

from mainstay.base.errors import NotFound
from mainstay.identity.events import Fact
from mainstay.identity.ports import Step
from mainstay.identity.room import Room
from mainstay.identity.tables import users
from mainstay.storage.control import in_turn
from mainstay.storage.statement import Rows

# It changes nothing: on PostgreSQL the row stays locked until the transaction ends, so that one profile is made.
HOLD_USER = update(users).where(users.c.id == bindparam("user")).values(active=users.c.active).returning(users.c.id)


async def change_profile(room: Room, user: UUID, data: Mapping[str, Any]) -> None:
    """Raises Invalid with every refused field; Conflict for a value that is somebody else's; NotFound."""
    values = room.fields.accept(data, room.fields.own, "profile")
    if values:
        with room.fields.clashes():
            await room.control.write(_script(room, user, values))


def _script(room: Room, user: UUID, values: Mapping[str, Any]) -> Generator[Step, Rows, None]:
    if not (yield room.control.step(HOLD_USER, user=user)):
        raise NotFound("There is no such user.")
    yield from room.fields.steps(room.control, user, values)
    yield from in_turn(room.journal.steps(Fact("profile.changed", user, details={"fields": sorted(values)})))
