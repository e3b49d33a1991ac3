"""The signing keys every worker shares: found in the database, or made there by whoever comes first."""

from contextlib import suppress
from typing import Any

from sqlalchemy import bindparam, insert, select

from mainstay.base.clock import Clock
from mainstay.identity.keys.signing_key import Seal, SigningKey
from mainstay.identity.tables import signing_keys as t
from mainstay.storage import errors
from mainstay.storage.control import ControlPlane

LIST_KEYS = select(t.c.generation, t.c.kid, t.c.sealed).where(t.c.retired_at.is_(None)).order_by(t.c.generation)
ADD_KEY = insert(t).values({name: bindparam(name) for name in ("generation", "kid", "sealed", "created_at")})
# Tokens that name a key nobody knows may not make us ask the database more often than this.
RELOAD_AFTER = 1.0


class KeyRing:
    """The newest key signs; every key that is not retired verifies."""

    def __init__(self, control: ControlPlane, seal: Seal, clock: Clock) -> None:
        self._control, self._seal, self._clock = control, seal, clock
        self._keys: dict[str, SigningKey] = {}
        self._newest: SigningKey | None = None
        self._generation = 0
        self._reloaded = float("-inf")

    @property
    def newest(self) -> SigningKey:
        if self._newest is None:
            raise RuntimeError("The identity room is not open: await identity.open() before it is used.")
        return self._newest

    async def open(self) -> None:
        """Load the keys, making the first one if there is none."""
        await self._load()
        if self._newest is None:
            await self.rotate()

    async def rotate(self) -> None:
        """Add a key after the newest known here. Of several workers at once one succeeds, and all use its key."""
        key = SigningKey.generate()
        with suppress(errors.UniqueClash):  # another worker was faster: theirs is loaded below
            await self._control.write(self._add(key, self._generation + 1))
        await self._load()

    async def find(self, kid: str) -> SigningKey | None:
        """The key of that id, looked for in the database if another worker may have made it lately."""
        found = self._keys.get(kid)
        if found is None and self._clock.monotonic() - self._reloaded >= RELOAD_AFTER:
            await self._load()
            found = self._keys.get(kid)
        return found

    def public(self) -> dict[str, Any]:
        """The key set (RFC 7517 §5): public halves only."""
        return {"keys": [key.public() for key in self._keys.values()]}

    async def _load(self) -> None:
        self._reloaded = self._clock.monotonic()
        rows = await self._control.fetch(LIST_KEYS)
        self._keys = {kid: self._keys.get(kid) or self._seal.open(kid, sealed) for _, kid, sealed in rows}
        if rows:
            self._generation, kid, _ = rows[-1]
            self._newest = self._keys[kid]

    def _add(self, key: SigningKey, generation: int) -> Any:
        yield self._control.step(
            ADD_KEY, generation=generation, kid=key.kid, sealed=self._seal.close(key), created_at=self._clock.now()
        )
