"""A signing key as its row tells it: when it signs, until when it verifies, and what it is at a given moment."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import cast

from mainstay.identity.signing.signing_key import Algorithm


class KeyState(StrEnum):
    """What a key is good for."""

    next = "next"  # published, and signs from a moment to come
    current = "current"  # signs
    retired = "retired"  # signs no more, verifies what it signed
    gone = "gone"  # neither, and its private half is erased
    revoked = "revoked"  # taken out at once


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """One row of mainstay_signing_keys. `sealed` is empty once the key is gone or revoked."""

    generation: int
    kid: str
    sealed: str
    created_at: datetime
    retired_at: datetime | None
    algorithm: Algorithm
    signs_from: datetime
    verifies_until: datetime | None
    revoked_at: datetime | None

    @classmethod
    def of(cls, row: Iterable[object]) -> "KeyRecord":
        """From the columns in the table's order; rows made by the first revision have neither algorithm nor times."""
        generation, kid, sealed, created_at, retired_at, algorithm, signs_from, verifies_until, revoked_at = row
        return cls(
            cast(int, generation),
            cast(str, kid),
            cast(str, sealed),
            cast(datetime, created_at),
            cast(datetime | None, retired_at),
            cast(Algorithm, algorithm or "ES256"),
            cast(datetime, signs_from or created_at),
            cast(datetime | None, verifies_until),
            cast(datetime | None, revoked_at),
        )

    def verifies(self, now: datetime) -> bool:
        """Whether its signatures are believed at that moment, and it stands in the key set."""
        return self.revoked_at is None and (self.verifies_until is None or self.verifies_until > now)

    def signs(self, now: datetime) -> bool:
        """Whether it may sign then; of several that may, the one of the highest generation does."""
        return self.verifies(now) and self.signs_from <= now and (self.retired_at is None or self.retired_at > now)


def signer(records: Iterable[KeyRecord], now: datetime) -> KeyRecord | None:
    """The key that signs at that moment."""
    return max((each for each in records if each.signs(now)), key=lambda each: each.generation, default=None)


def coming(records: Iterable[KeyRecord], now: datetime) -> KeyRecord | None:
    """The key that is published and does not sign yet."""
    waiting = [each for each in records if each.verifies(now) and each.signs_from > now and each.retired_at is None]
    return max(waiting, key=lambda each: each.generation, default=None)


def state_of(record: KeyRecord, records: Iterable[KeyRecord], now: datetime) -> KeyState:
    """What this key is among the others at that moment."""
    if record.revoked_at is not None:
        return KeyState.revoked
    if not record.verifies(now):
        return KeyState.gone
    if signer(records, now) == record:
        return KeyState.current
    return KeyState.next if record.signs_from > now and record.retired_at is None else KeyState.retired
