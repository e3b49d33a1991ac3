"""Seal again under the newest master key whatever a previous one sealed."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Column, Table, bindparam, select, update

from mainstay.base.errors import Conflict
from mainstay.base.secret import MasterKey
from mainstay.identity.events import Fact
from mainstay.identity.room import Room
from mainstay.identity.sealing.sealed_column import SEALED, SealedColumn
from mainstay.identity.tables import metadata
from mainstay.storage.control import in_turn
from mainstay.storage.sealing import Seal


async def reseal(room: Room, master: MasterKey) -> dict[str, int]:
    """Seal every value anew that a previous master key sealed; answers how many of each table.

    Raises Conflict, and changes nothing, where a value opens under none of the keys.
    """
    counted: dict[str, int] = await room.control.write(_reseal(room, master))
    await room.keys.load()
    return counted


def _reseal(room: Room, master: MasterKey) -> Any:
    counted: dict[str, int] = {}
    for table, column in sealed_columns():
        how: SealedColumn = column.info[SEALED]
        seal, bound = Seal(master, how.label), table.c[how.bound_to]
        keys = tuple(table.primary_key.columns)
        query = select(column, bound, *keys).where(column.is_not(None), column != "")
        # Only where it is still what was read: whoever sealed it meanwhile did so under the newest key.
        change = update(table).where(column == bindparam("was"), *(key == bindparam(f"k_{key.name}") for key in keys))
        change = change.values({column.name: bindparam("becomes")})
        done = 0
        for value, owner, *names in room.control.read(query, (yield room.control.step(query))):
            binding = how.prefix + str(owner).encode()
            opened = seal.open(value, binding)
            if opened is None:
                raise Conflict(
                    f"A value of {table.name} for {owner} opens under no known master key; nothing was changed.",
                    code="seal_unknown",
                )
            if seal.outdated(value, binding):
                at = {f"k_{key.name}": name for key, name in zip(keys, names, strict=True)}
                yield room.control.step(change, was=value, becomes=seal.close(opened, binding), **at)
                done += 1
        counted[table.name] = done
    yield from in_turn(room.journal.steps(Fact("key.resealed", details=counted)))
    return counted


def sealed_columns() -> Iterator[tuple[Table, Column[Any]]]:
    """Every column of the room that holds sealed values."""
    for table in metadata.sorted_tables:
        yield from ((table, column) for column in table.c if SEALED in column.info)
