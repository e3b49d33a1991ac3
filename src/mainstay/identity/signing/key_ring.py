"""The signing keys every worker shares: found in the database, or made there by whoever comes first."""

from collections.abc import Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import Any

from mainstay.base.clock import Clock
from mainstay.identity.signing import statements as sql
from mainstay.identity.signing.key_record import KeyRecord, signer
from mainstay.identity.signing.options import KeyOptions
from mainstay.identity.signing.signing_key import SigningKey, open_key, seal_key
from mainstay.storage import errors
from mainstay.storage.control import ControlPlane
from mainstay.storage.sealing import Seal

# Tokens that name a key nobody knows may not make us ask the database more often than this.
RELOAD_AFTER = 1.0


class KeyRing:
    """One key signs; every key that is published verifies, and only while revocations are being heard."""

    def __init__(
        self, control: ControlPlane, seal: Seal, clock: Clock, options: KeyOptions, stale_seconds: float
    ) -> None:
        self._control, self._clock, self._stale_seconds = control, clock, stale_seconds
        self.seal, self.options = seal, options
        self.records: tuple[KeyRecord, ...] = ()
        self._keys: dict[str, SigningKey] = {}
        self._by_head: Mapping[bytes, KeyRecord] = MappingProxyType({})
        self._loaded = self._fresh_until = float("-inf")

    @property
    def newest(self) -> SigningKey:
        """The key that signs now."""
        found = signer(self.records, self._clock.now())
        if found is None:
            raise RuntimeError("The identity room is not open: await identity.open() before it is used.")
        return self._keys[found.kid]

    async def open(self) -> None:
        """Load the keys, making the first one if there is none."""
        await self.load()
        if signer(self.records, self._clock.now()) is None:
            with suppress(errors.UniqueClash):  # another worker was faster: theirs is loaded below
                await self._control.write(self._first())
            await self.load()

    async def find(self, head: bytes) -> tuple[SigningKey, KeyRecord] | None:
        """The key whose tokens begin with exactly these bytes; None for anything else.

        The header is compared and not read: `jwk`, `jku`, `x5u` and `crit` are ways to make a verifier trust what the
        caller brought, and none of them is ever looked at (RFC 8725 §3.1).
        """
        now = self._clock.monotonic()
        if now >= self._fresh_until or (head not in self._by_head and now - self._loaded >= RELOAD_AFTER):
            await self.load()
        record = self._by_head.get(head)
        if record is None or not record.verifies(self._clock.now()):
            return None
        return self._keys[record.kid], record

    def public(self) -> dict[str, Any]:
        """The key set (RFC 7517 §5): public halves of every key that verifies now or will sign soon."""
        now = self._clock.now()
        return {"keys": [self._keys[each.kid].public() for each in self.records if each.verifies(now)]}

    def heard(self, until: float) -> None:
        """No key was revoked up to now: what is loaded may be believed until this monotonic moment."""
        self._fresh_until = max(self._fresh_until, until)

    async def load(self) -> None:
        """Read the ring again; it is believed for as long as remembered tokens are."""
        started = self._clock.monotonic()
        now = self._clock.now()
        rows = [KeyRecord.of(row) for row in await self._control.fetch(sql.LIST_KEYS)]
        records = tuple(each for each in rows if each.verifies(now))
        known = self._keys
        self._keys = {
            each.kid: known.get(each.kid) or open_key(self.seal, each.kid, each.algorithm, each.sealed)
            for each in records
        }
        self._by_head = {self._keys[each.kid].head: each for each in records}
        self.records = records
        self._loaded, self._fresh_until = started, started + self._stale_seconds

    def _first(self) -> Any:
        rows = self._control.read(sql.LIST_KEYS, (yield self._control.step(sql.LIST_KEYS)))
        now = self._clock.now()
        if signer([KeyRecord.of(row) for row in rows], now) is not None:
            return  # another worker was faster
        generation = max((row[0] for row in rows), default=0) + 1
        key = SigningKey.generate(self.options.algorithm)
        yield self._control.step(
            sql.ADD_KEY,
            generation=generation,
            kid=key.kid,
            sealed=seal_key(self.seal, key),
            algorithm=key.algorithm,
            created_at=now,
            signs_from=now,
        )
