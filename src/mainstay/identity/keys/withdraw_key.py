"""Take a key out: retired, it verifies what it signed to the end; revoked, nothing of it is believed any more."""

from datetime import datetime
from typing import Any

from mainstay.base.errors import Conflict, NotFound
from mainstay.identity.events import Fact
from mainstay.identity.keys.rotate_key import begin, overlap
from mainstay.identity.room import Room
from mainstay.identity.signing import statements as sql
from mainstay.identity.signing.key_record import KeyRecord, coming, signer
from mainstay.storage.control import in_turn


async def retire_key(room: Room, kid: str) -> None:
    """The key signs no more; what it signed is believed until it runs out. Another signs in its place at once.

    Raises NotFound for a key that there is not, Conflict for one that is retired, gone or revoked.
    """
    await room.control.write(_retire(room, kid, room.now()))
    room.revocations.applied(None)
    await room.keys.load()


async def revoke_key(room: Room, kid: str, reason: str = "") -> None:
    """Nothing that the key signed is believed any more, here at once, and within a second in every process.

    Its private half is erased, and another key signs in its place. Sessions go on: their refresh tokens are not signed.
    Raises NotFound for a key that there is not, or that was revoked before.
    """
    await room.control.write(_revoke(room, kid, reason, room.now()))
    room.revocations.applied(None)
    await room.keys.load()


def _retire(room: Room, kid: str, now: datetime) -> Any:
    records = yield from _records(room)
    found = next((each for each in records if each.kid == kid), None)
    if found is None:
        raise NotFound(f"There is no signing key {kid}.")
    if not found.verifies(now) or (found.retired_at is not None and found.retired_at <= now):
        raise Conflict(f"The key {kid} signs no more already.", code="key_retired")
    # One that was never to sign verifies nothing either.
    until = now if found.signs_from > now else now + overlap(room)
    yield room.control.step(sql.RETIRE, which=found.generation, at=now, until=until)
    yield from in_turn(room.journal.steps(Fact("key.retired", details={"kid": kid})))
    yield from _leave_one(room, now)


def _revoke(room: Room, kid: str, reason: str, now: datetime) -> Any:
    if not (yield room.control.step(sql.REVOKE, which=kid, at=now)):
        raise NotFound(f"There is no signing key {kid} that could be revoked.")
    yield from in_turn(room.journal.steps(Fact("key.revoked", details={"kid": kid, "reason": reason})))
    yield from _leave_one(room, now)


def _leave_one(room: Room, now: datetime) -> Any:
    records = yield from _records(room)
    found = signer(records, now)
    if found is None:
        yield from begin(room, records, now, now)
        return
    if found.retired_at is not None and coming(records, now) is None:
        # Its successor is the one that was taken out.
        yield room.control.step(sql.RETIRE, which=found.generation, at=None, until=None)
    yield from in_turn(room.revocations.steps(None))


def _records(room: Room) -> Any:
    rows = yield room.control.step(sql.LIST_KEYS)
    return [KeyRecord.of(row) for row in room.control.read(sql.LIST_KEYS, rows)]
