"""The signing keys for callers: seen, rotated, retired, revoked and sealed anew."""

from dataclasses import dataclass
from datetime import datetime

from mainstay.base.secret import MasterKey
from mainstay.identity.keys.reseal import reseal
from mainstay.identity.keys.rotate_key import rotate_key
from mainstay.identity.keys.schedule import KeySchedule
from mainstay.identity.keys.withdraw_key import retire_key, revoke_key
from mainstay.identity.room import Room
from mainstay.identity.signing import statements as sql
from mainstay.identity.signing.key_record import KeyRecord, KeyState, state_of
from mainstay.identity.signing.signing_key import bound_to


@dataclass(frozen=True, slots=True)
class KeyLine:
    """One key as an operator sees it. `outdated`: sealed under a previous master key."""

    kid: str
    algorithm: str
    state: KeyState
    created_at: datetime
    signs_from: datetime
    verifies_until: datetime | None
    outdated: bool


class Keys:
    """What operators do with signing keys."""

    def __init__(self, room: Room, master: MasterKey) -> None:
        self._room, self._master = room, master
        self.schedule = KeySchedule(room)

    async def list(self) -> list[KeyLine]:
        """Every key there is and was, the oldest first."""
        records = [KeyRecord.of(row) for row in await self._room.control.fetch(sql.LIST_KEYS)]
        now, seal = self._room.now(), self._room.keys.seal
        return [
            KeyLine(
                each.kid,
                each.algorithm,
                state_of(each, records, now),
                each.created_at,
                each.signs_from,
                each.verifies_until,
                bool(each.sealed) and seal.outdated(each.sealed, bound_to(each.kid)),
            )
            for each in records
        ]

    async def rotate(self, *, now: bool = False) -> KeyRecord:
        """Publish the next key; with `now` it signs at once. Answers it."""
        return await rotate_key(self._room, now=now)

    async def retire(self, kid: str) -> None:
        """Sign with it no more. Raises NotFound or Conflict."""
        await retire_key(self._room, kid)

    async def revoke(self, kid: str, reason: str = "") -> None:
        """Believe nothing it signed, within a second in every process. Raises NotFound."""
        await revoke_key(self._room, kid, reason)

    async def reseal(self) -> dict[str, int]:
        """Seal anew what a previous master key sealed; answers how many values of each table."""
        return await reseal(self._room, self._master)
