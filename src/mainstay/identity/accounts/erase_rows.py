"""Erase a user's rows in this room's tables, where nothing else is there to be erased."""

from collections.abc import Iterator
from functools import cached_property
from typing import Any
from uuid import UUID

from sqlalchemy import Delete, Table, bindparam, delete, select

from mainstay.identity.ports import Step
from mainstay.identity.room import Room
from mainstay.identity.tables import metadata, users
from mainstay.storage.control import in_turn


class OwnRows:
    """The Erasure of an identity room alone: every row that names the user, whichever area's table it is in."""

    def __init__(self, room: Room) -> None:
        self._room = room

    async def erase(self, user_id: UUID) -> None:
        await self._room.control.write(self._erase(user_id))
        self._room.revocations.applied(user_id)

    def _erase(self, user_id: UUID) -> Any:
        yield from in_turn(self._steps(user_id))
        yield from in_turn(self._room.revocations.steps(user_id))

    def _steps(self, user_id: UUID) -> Iterator[Step]:
        for statement in self._statements:
            yield self._room.control.step(statement, user=user_id)

    @cached_property
    def _statements(self) -> list[Delete]:
        found = []
        # Those that refer to others come first.
        for table in reversed(metadata.sorted_tables):
            if table is users:
                found.append(delete(users).where(users.c.id == bindparam("user")))
            elif "user_id" in table.c:
                found.append(delete(table).where(table.c.user_id == bindparam("user")))
            else:
                found += _through(table)
        return found


def _through(table: Table) -> Iterator[Delete]:
    for key in table.foreign_keys:
        owner = key.column.table
        if "user_id" in owner.c:
            theirs = select(key.column).where(owner.c.user_id == bindparam("user"))
            yield delete(table).where(key.parent.in_(theirs))
