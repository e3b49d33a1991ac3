"""Personal values, sealed under a key of each person: destroying the key makes them unreadable, and no chain breaks."""

import base64
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import bindparam, insert, select, update

from mainstay.base.secret import MasterKey
from mainstay.storage import errors, sql
from mainstay.storage.control import ControlPlane
from mainstay.storage.sealing import Seal, decrypt, encrypt, raw_of
from mainstay.telemetry.audit.tables import keys as t

FIND = select(t.c.holder, t.c.sealed).where(sql.any_of(t.c.holder, "holders"))
ADD = insert(t).values({name: bindparam(name) for name in ("holder", "sealed", "created_at")})
DESTROY = (
    update(t)
    .where(t.c.holder == bindparam("named"), t.c.destroyed_at.is_(None))
    .values(sealed=None, destroyed_at=bindparam("now"))
    .returning(t.c.holder)
)
ADD_DESTROYED = insert(t).values(
    holder=bindparam("holder"), sealed=None, created_at=bindparam("now"), destroyed_at=bindparam("now")
)
OLD_MONTHS = select(t.c.holder).where(
    t.c.holder.like("nobody-%"), t.c.created_at < bindparam("before"), t.c.destroyed_at.is_(None)
)
NOBODY = "nobody-"
# What stands for values whose key is destroyed.
ERASED: Mapping[str, Any] = {"erased": True}


def holder_of(at: datetime, *people: UUID | None) -> str:
    """Whose key seals: the first of the people who is known, else that of the month."""
    for each in people:
        if each is not None:
            return str(each)
    return f"{NOBODY}{at:%Y-%m}"


class PersonalKeys:
    """AES-256-GCM under keys that lie in the database, each sealed under the master key and bound to its holder.

    A destroyed key leaves a row behind, so that none is made anew for whoever was erased.
    """

    def __init__(self, control: ControlPlane, master: MasterKey) -> None:
        self._control = control
        self._seal = Seal(master, "telemetry/audit/persons")

    async def require(self, holders: Iterable[str], now: datetime) -> dict[str, bytes | None]:
        """The keys of these holders, made where there are none; None for one that is destroyed."""
        wanted = set(holders)
        found = await self.find(wanted)
        missing = sorted(wanted - found.keys())
        if missing:
            # Where it clashes, another process was faster, or somebody is erased at this moment.
            with suppress(errors.UniqueClash):
                await self._control.write(self._make(missing, now))
            found = await self.find(wanted)
        return found

    async def find(self, holders: Iterable[str]) -> dict[str, bytes | None]:
        """The keys of those holders that have or had one."""
        rows = await self._control.fetch(FIND, holders=sorted(set(holders)))
        return {holder: None if sealed is None else self._seal.open(sealed, holder.encode()) for holder, sealed in rows}

    async def destroy(self, holder: str, now: datetime) -> None:
        """Make everything sealed under this key unreadable, and keep a new one from being made. Done twice: nothing."""
        try:
            await self._control.write(self._destroy(holder, now))
        except errors.UniqueClash:
            # It was made, or destroyed, between our two statements.
            await self._control.write(self._destroy(holder, now))

    async def destroy_months(self, before: datetime, now: datetime) -> int:
        """Destroy the keys of entries about nobody known that began before this; answers how many."""
        rows = await self._control.fetch(OLD_MONTHS, before=before - timedelta(days=31))
        for (holder,) in rows:
            await self.destroy(holder, now)
        return len(rows)

    def _make(self, holders: Iterable[str], now: datetime) -> Any:
        for holder in holders:
            sealed = self._seal.close(AESGCM.generate_key(256), holder.encode())
            yield self._control.step(ADD, holder=holder, sealed=sealed, created_at=now)

    def _destroy(self, holder: str, now: datetime) -> Any:
        rows = yield self._control.step(DESTROY, named=holder, now=now)
        if not rows:
            known = yield self._control.step(FIND, holders=[holder])
            if not known:
                yield self._control.step(ADD_DESTROYED, holder=holder, now=now)


def close_values(holder: str, key: bytes | None, values: Mapping[str, Any]) -> str | None:
    """The values, sealed; None where there are none, and where the key is destroyed."""
    if not values or key is None:
        return None
    sealed = encrypt(AESGCM(key), orjson.dumps(values, default=str), holder.encode())
    return f"{holder}:{base64.b64encode(sealed).decode()}"


def holder_in(sealed: str | None) -> str | None:
    """Whose key opens this."""
    return None if sealed is None else sealed.partition(":")[0]


def open_values(keys: Mapping[str, bytes | None], sealed: str | None) -> Mapping[str, Any]:
    """The values; `ERASED` where nobody can read them any more."""
    if sealed is None:
        return {}
    holder, _, text = sealed.partition(":")
    key = keys.get(holder)
    if key is None:
        return ERASED
    raw = raw_of(text)
    opened = None if raw is None else decrypt(AESGCM(key), raw, holder.encode())
    return ERASED if opened is None else orjson.loads(opened)
