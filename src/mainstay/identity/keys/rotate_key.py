"""Begin a new signing key: published first, signing later, and the one before it retired at that moment."""

from datetime import datetime, timedelta
from typing import Any

from mainstay.identity.events import Fact
from mainstay.identity.room import Room
from mainstay.identity.signing import statements as sql
from mainstay.identity.signing.key_record import KeyRecord, coming, signer
from mainstay.identity.signing.signing_key import SigningKey, seal_key
from mainstay.storage import errors
from mainstay.storage.control import in_turn


async def rotate_key(room: Room, *, now: bool = False) -> KeyRecord:
    """Make the next key, which signs after `publish_seconds`, or at once with `now`; answers it.

    Where one is published and waits already, that one is answered, and with `now` it begins. Of several workers that
    do this at the same time one succeeds, and the others find its key.
    """
    try:
        record: KeyRecord = await room.control.write(_rotate(room, room.now(), at_once=now))
    except errors.UniqueClash:
        await room.keys.load()
        return coming(room.keys.records, room.now()) or room.keys.records[-1]
    room.revocations.applied(None)
    await room.keys.load()
    return record


def due(room: Room) -> bool:
    """Whether the key that signs has done so for long enough, or is not of the algorithm that is set."""
    now, options = room.now(), room.keys.options
    current = signer(room.keys.records, now)
    if current is None:
        return True
    if coming(room.keys.records, now) is not None:
        return False
    ends = current.signs_from + timedelta(days=options.rotate_days) - timedelta(seconds=options.publish_seconds)
    return current.algorithm != options.algorithm or (options.rotate_days > 0 and now >= ends)


def _rotate(room: Room, now: datetime, *, at_once: bool) -> Any:
    rows = yield room.control.step(sql.LIST_KEYS)
    records = [KeyRecord.of(row) for row in room.control.read(sql.LIST_KEYS, rows)]
    waiting = coming(records, now)
    if waiting is not None and not at_once:
        return waiting
    return (yield from begin(room, records, now, now if at_once else now + _published(room)))


def begin(room: Room, records: list[KeyRecord], now: datetime, at: datetime) -> Any:
    """Steps after which one key signs from `at`: the one that waits, or a new one. Answers it."""
    waiting = coming(records, now)
    if waiting is None:
        generation = max((each.generation for each in records), default=0) + 1
        key = SigningKey.generate(room.keys.options.algorithm)
        yield room.control.step(
            sql.ADD_KEY,
            generation=generation,
            kid=key.kid,
            sealed=seal_key(room.keys.seal, key),
            algorithm=key.algorithm,
            created_at=now,
            signs_from=at,
        )
        kid, algorithm = key.kid, key.algorithm
    else:
        generation, kid, algorithm = waiting.generation, waiting.kid, waiting.algorithm
        yield room.control.step(sql.BRING_FORWARD, which=generation, at=at)
    yield room.control.step(sql.RETIRE_OTHERS, but=generation, at=at, until=at + overlap(room))
    details = {"kid": kid, "algorithm": algorithm, "signs_from": at.isoformat()}
    yield from in_turn(room.journal.steps(Fact("key.rotated", details=details)))
    # Every process reads the ring again at its next poll, long before it meets a token of the new key.
    yield from in_turn(room.revocations.steps(None))
    return KeyRecord(generation, kid, "", now, None, algorithm, at, None, None)


def overlap(room: Room) -> timedelta:
    """How long a key verifies after it stopped signing: at least as long as the last token it signed is good."""
    tokens = room.options.access_seconds + room.options.skew_seconds
    return timedelta(seconds=max(room.keys.options.overlap_seconds, tokens))


def _published(room: Room) -> timedelta:
    return timedelta(seconds=room.keys.options.publish_seconds)
