"""How fast proofs may be tried and letters asked for, counted in the database for all processes.

Three counts stand beside each other: one address trying one account, one address trying any account, and any address
trying one account. Each lets some attempts through, then makes the next wait twice as long, up to a limit; attempts
while it waits are refused and don't count, so nobody prolongs another's wait. An address that the account's user has
signed in from is exempt from the third; a device that they have signed in on is counted for itself, and for nothing
else. Nothing here depends on whether there is such an account.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import bindparam, update
from sqlalchemy.dialects import postgresql, sqlite

from mainstay.base.clock import Clock
from mainstay.base.errors import TooManyRequests
from mainstay.base.secret import KeyedHash
from mainstay.identity.credentials.options import AttemptOptions, Pace
from mainstay.identity.credentials.tables import throttle as t
from mainstay.identity.ports import Step
from mainstay.storage.control import ControlPlane

Deed = Literal["proof", "letter", "device"]
BITS = 20
# The bucket of all letters, counted by the hour; above those of every kind.
ALL_LETTERS, AN_HOUR = 9 << BITS, 3600.0
FORGET = update(t).where(t.c.bucket == bindparam("bucket_")).values(attempts=0, until=bindparam("now"))
TAKE_BACK = update(t).where(t.c.bucket == bindparam("bucket_"), t.c.attempts > 0).values(attempts=t.c.attempts - 1)
COUNT = (
    update(t)
    .where(t.c.bucket == bindparam("bucket_"))
    .values(attempts=bindparam("attempts_"), last_at=bindparam("now"), until=bindparam("until_"))
)
SWEEP = t.delete().where(t.c.last_at < bindparam("before"))


@dataclass(frozen=True, slots=True)
class Counted:
    """One attempt that was let through, and where it was counted: the pair first."""

    buckets: tuple[int, ...]


class Throttle:
    """Counts attempts under keyed hashes of who and from where; names and addresses are not stored."""

    def __init__(self, control: ControlPlane, clock: Clock, key: bytes, options: AttemptOptions) -> None:
        self._control, self._clock, self._keyed = control, clock, KeyedHash(key)
        self._paces: dict[Deed, tuple[Pace, Pace, Pace]] = {
            "proof": (options.proofs, options.proofs_of_address, options.proofs_of_account),
            "letter": (options.letters, options.letters_of_address, options.letters_of_account),
            "device": (options.proofs_of_device,) * 3,
        }
        self._letters_in_all = options.letters_in_all
        make: Any = postgresql.insert if control.dialect.name == "postgresql" else sqlite.insert
        # The row, made if need be, and locked until the transaction ends: the next attempt waits for this one's count.
        add = make(t).values(bucket=bindparam("bucket"), attempts=0, last_at=bindparam("now"), until=bindparam("now"))
        self._hold = add.on_conflict_do_update(
            index_elements=["bucket"], set_={"bucket": add.excluded.bucket}
        ).returning(t.c.attempts, t.c.last_at, t.c.until)

    async def admit(
        self,
        deed: Literal["proof", "letter"],
        account: str,
        address: str | None,
        known: bool = False,
        *,
        device: str | None = None,
        own: bool = False,
    ) -> Counted:
        """Count one attempt. Raises TooManyRequests, and counts nothing, where it has to wait.

        `account` is what was typed, or a user's id; `known` says that its user has signed in from that address.
        `device` names one that they have signed in on (`DeviceTokens.device_of`): it alone is counted. `own` is an
        attempt in a session of that account: what others tried at the address does not count.
        """
        rules = self._rules(deed, account, address or "", known)
        if device is not None:
            rules = [(self._bucket("device", 0, device), self._paces["device"][0])]
        elif own:
            del rules[1]
        in_all = self._letters_in_all if deed == "letter" else None
        wait: float = await self._control.write_short(lambda: self._admit(rules, in_all))
        if wait > 0:
            raise TooManyRequests(
                f"Too many attempts; try again in {_told(wait)}.",
                retry_after=math.ceil(wait),
                policies=[deed],
            )
        return Counted(tuple(bucket for bucket, _ in rules))

    def right(self, counted: Counted) -> Sequence[Step]:
        """The steps after an attempt that was right: the pair begins anew, and the others had one fewer."""
        pair, *others = counted.buckets
        return [
            self._control.step(FORGET, bucket_=pair, now=self._clock.now()),
            *(self._control.step(TAKE_BACK, bucket_=bucket) for bucket in others),
        ]

    def forget(self, account: str) -> Sequence[Step]:
        """The steps that let everybody try this account again: its user has proved themselves by letter."""
        bucket = self._bucket("proof", 2, account)
        return [self._control.step(FORGET, bucket_=bucket, now=self._clock.now())]

    def digest(self, address: str) -> str:
        """How an address is kept that somebody is known from."""
        return self._keyed.of(b"known\0" + address.encode()).hex()[:32]

    def sweep(self) -> Step:
        """The step that deletes what is forgotten."""
        longest = max(pace.memory for paces in self._paces.values() for pace in paces)
        return self._control.step(SWEEP, before=self._clock.now() - timedelta(seconds=longest))

    def _rules(self, deed: Deed, account: str, address: str, known: bool) -> list[tuple[int, Pace]]:
        of_pair, of_address, of_account = self._paces[deed]
        rules = [
            (self._bucket(deed, 0, account, address), of_pair),
            (self._bucket(deed, 1, address), of_address),
        ]
        if not known:
            rules.append((self._bucket(deed, 2, account), of_account))
        return rules

    def _bucket(self, deed: Deed, kind: int, *parts: str) -> int:
        # Hashed into so many buckets, and keyed: nobody can aim at the bucket of somebody else.
        named = "\0".join((deed, str(kind), *parts)).encode("utf-8", "replace")
        number = int.from_bytes(self._keyed.of(named)[:4], "big") >> (32 - BITS)
        return (list(self._paces).index(deed) * 3 + kind) << BITS | number

    def _admit(self, rules: Sequence[tuple[int, Pace]], in_all: int | None) -> Any:
        now, wait = self._clock.now(), 0.0
        found: list[tuple[int, Pace, int, datetime]] = []
        # In one order everywhere, so that two attempts never wait for each other.
        for bucket, pace in sorted(rules, key=lambda rule: rule[0]):
            rows = yield self._control.step(self._hold, bucket=bucket, now=now)
            attempts, last_at, until = self._control.read(self._hold, rows)[0]
            wait = max(wait, (until - now).total_seconds())
            found.append((bucket, pace, attempts, last_at))
        if in_all is not None:
            rows = yield self._control.step(self._hold, bucket=ALL_LETTERS, now=now)
            sent, began, _ = self._control.read(self._hold, rows)[0]
            left = AN_HOUR - (now - began).total_seconds()
            sent, began, left = (sent, began, left) if left > 0 else (0, now, AN_HOUR)
            if sent >= in_all:
                wait = max(wait, left)
        if wait > 0:
            return wait
        yield from self._count(found, now)
        if in_all is not None:
            # Its time is that of the hour's beginning.
            yield self._control.step(COUNT, bucket_=ALL_LETTERS, attempts_=sent + 1, now=began, until_=now)
        return 0.0

    def _count(self, found: Sequence[tuple[int, Pace, int, datetime]], now: datetime) -> Iterator[Step]:
        for bucket, pace, before, last_at in found:
            attempts = 1 if (now - last_at).total_seconds() > pace.memory else before + 1
            until = now + timedelta(seconds=_delay(pace, attempts))
            yield self._control.step(COUNT, bucket_=bucket, attempts_=attempts, now=now, until_=until)


def _delay(pace: Pace, attempts: int) -> float:
    if attempts < pace.free:
        return 0.0
    return float(min(pace.longest, pace.first * 2.0 ** min(attempts - pace.free, 40)))


def _told(seconds: float) -> str:
    whole = math.ceil(seconds)
    return f"{whole} second{'' if whole == 1 else 's'}" if whole < 120 else f"{whole // 60} minutes"
