"""Old entries go, and a sealed checkpoint stays in their place, from which the rest of the chain is proved."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, delete, insert, select, update

from mainstay.storage import sql
from mainstay.storage.control import ControlPlane
from mainstay.telemetry.audit.chain.entry import Mark, Sealer
from mainstay.telemetry.audit.tables import checkpoints, entries, heads

CHAINS = select(heads.c.tenant_id, heads.c.seq).order_by(heads.c.tenant_id)
# Of each chain at least its newest entry stays.
LAST_BEFORE = (
    select(entries.c.seq, entries.c.hash)
    .where(sql.in_tenant(entries), entries.c.at < bindparam("before"), entries.c.seq < bindparam("newest"))
    .order_by(entries.c.seq.desc())
    .limit(1)
)
FIRST_KEPT = (
    select(entries.c.seq)
    .where(sql.in_tenant(entries), entries.c.at >= bindparam("before"))
    .order_by(entries.c.seq)
    .limit(1)
)
BY_SEQ = select(entries.c.seq, entries.c.hash).where(sql.in_tenant(entries), entries.c.seq == bindparam("number"))
MOVE = (
    update(checkpoints)
    .where(checkpoints.c.tenant_id == bindparam("chain"), checkpoints.c.seq < bindparam("number"))
    .values(seq=bindparam("number"), hash=bindparam("digest"), seal=bindparam("seal"), at=bindparam("now"))
    .returning(checkpoints.c.seq)
)
ADD = insert(checkpoints).values(
    tenant_id=bindparam("chain"),
    seq=bindparam("number"),
    hash=bindparam("digest"),
    seal=bindparam("seal"),
    at=bindparam("now"),
)
DROP = delete(entries).where(
    sql.in_tenant(entries), entries.c.seq > bindparam("after"), entries.c.seq <= bindparam("upto")
)
FIRST = select(entries.c.seq).where(sql.in_tenant(entries)).order_by(entries.c.seq).limit(1)
AT_ONCE = 1000


class Pruning:
    """Deletes what was done before a moment, from the beginning of each chain."""

    def __init__(self, control: ControlPlane, sealer: Sealer) -> None:
        self._control, self._sealer = control, sealer

    async def prune(self, before: datetime, now: datetime) -> dict[UUID, int]:
        """How many entries of each chain went. To be done again after a crash: it goes on where it stopped."""
        gone: dict[UUID, int] = {}
        for chain, newest in await self._control.fetch(CHAINS):
            last = await self._last_before(chain, newest, before)
            if last is not None:
                gone[chain] = await self._prune(chain, last, now)
        return {chain: count for chain, count in gone.items() if count}

    async def _last_before(self, chain: UUID, newest: int, before: datetime) -> Mark | None:
        # Clocks of several machines differ, so times are not quite in the order of numbers: what is kept is kept whole.
        kept = await self._control.fetch(FIRST_KEPT, mainstay_tenant=chain, before=before)
        if kept:
            rows = await self._control.fetch(BY_SEQ, mainstay_tenant=chain, number=min(kept[0][0], newest) - 1)
        else:
            rows = await self._control.fetch(LAST_BEFORE, mainstay_tenant=chain, before=before, newest=newest)
        return Mark(chain, *rows[0]) if rows else None

    async def _prune(self, chain: UUID, last: Mark, now: datetime) -> int:
        await self._control.write(self._mark(last, now))
        first = await self._control.fetch(FIRST, mainstay_tenant=chain)
        start = first[0][0] - 1 if first else last.seq
        done = start
        while done < last.seq:
            upto = min(done + AT_ONCE, last.seq)
            await self._control.write(self._drop(chain, done, upto))
            done = upto
        return last.seq - start

    def _mark(self, last: Mark, now: datetime) -> Any:
        told = {"chain": last.chain, "number": last.seq, "digest": last.hash, "now": now}
        seal = self._sealer.seal("checkpoint", last)
        moved = yield self._control.step(MOVE, seal=seal, **told)
        if not moved:
            yield self._control.step(ADD, seal=seal, **told)

    def _drop(self, chain: UUID, after: int, upto: int) -> Any:
        yield self._control.step(DROP, mainstay_tenant=chain, after=after, upto=upto)
