"""The subscriber that computes the chains: one process at a time, exactly once, behind the writers and never before."""

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select

from mainstay.base.clock import Clock
from mainstay.base.tenant import SystemScope
from mainstay.storage import Database, errors
from mainstay.storage.control import ControlPlane
from mainstay.storage.outbox import audited_statement
from mainstay.storage.relay import Held, Leader
from mainstay.telemetry.audit.chain import append as steps
from mainstay.telemetry.audit.chain.entry import Mark, Sealer
from mainstay.telemetry.audit.chain.prune import Pruning
from mainstay.telemetry.audit.deed import SYSTEM_CHAIN, Deed, as_id, deed_of
from mainstay.telemetry.audit.options import AuditOptions
from mainstay.telemetry.audit.persons import PersonalKeys
from mainstay.telemetry.audit.tables import queue, state

log = logging.getLogger("mainstay.audit")
LOCK = "audit"
# Seconds that `settle` waits for another who does not get on, between looks at them, and in all.
PATIENCE, LOOK_AGAIN, LONGEST = 5.0, 0.05, 60.0
WAITING = (
    select(queue.c.seq, queue.c.tenant_id, queue.c.at, queue.c.content).order_by(queue.c.seq).limit(bindparam("batch"))
)
POSITION = select(state.c.position)


class Chaining:
    """Takes what waits in the queue, and audited changes from the outbox, and appends them to their chains.

    Entries, heads, queue and place in the outbox are written in one transaction, so that whatever a crash undoes is
    done again, and once. Several processes may start one: one works, the others stand by.
    """

    def __init__(
        self,
        database: Database,
        system: SystemScope,
        keys: PersonalKeys,
        sealer: Sealer,
        options: AuditOptions,
        clock: Clock,
    ) -> None:
        self._database, self._system = database, system
        self._control = ControlPlane(database, system)
        self._keys, self._sealer, self._options, self._clock = keys, sealer, options, clock
        self._pruning = Pruning(self._control, sealer)
        self._leader = Leader(database, LOCK, self._work, log, standby=options.standby)
        self._heads: dict[UUID, Mark] = {}
        self._cleaned = float("-inf")

    def wake(self) -> None:
        """Look now instead of after the interval. A lost call is only latency."""
        self._leader.wake()

    async def start(self) -> None:
        await self._leader.start()

    async def stop(self) -> None:
        """Finish the batch under way, and let go of the lock."""
        await self._leader.stop()

    def forget_heads(self) -> None:
        """Read again where the chains stand: another process may have moved them."""
        self._heads.clear()

    async def settle(self) -> bool:
        """Chain everything that waits now, or wait until whoever holds the lock has.

        False where they do not get on for five seconds, and where it takes a minute in all: deeds still wait.
        """
        loop, before = asyncio.get_running_loop(), None
        began = moved = loop.time()
        while (held := await self._database.engine.hold(LOCK)) is None:
            # Often it is our own leader, which has just started.
            self._leader.wake()
            if (now := await self._first_waiting()) is None:
                return True
            if now != before:
                before, moved = now, loop.time()
            if loop.time() > min(moved + PATIENCE, began + LONGEST):
                return False
            await asyncio.sleep(LOOK_AGAIN)
        try:
            self.forget_heads()
            # Bounded: a busy app notes on while we chain.
            while await self.step():
                if loop.time() > began + LONGEST:
                    return False
        finally:
            await held.let_go()
        return True

    async def _first_waiting(self) -> tuple[Any, ...] | None:
        """What changes as long as somebody chains; None where nothing waits."""
        waiting = await self._control.fetch(WAITING, batch=1)
        if not waiting and not await self.behind():
            return None
        return waiting[0][0] if waiting else None, *(row[0] for row in await self._control.fetch(POSITION))

    async def _work(self, held: Held) -> None:
        self.forget_heads()
        while await self._leader.leads(held):
            if not await self.step():
                await self._clean()
                await self._leader.pause(self._options.interval)

    async def step(self) -> int:
        """Chain one batch; answers how many deeds it had. Only for whoever holds the lock."""
        waiting = await self._control.fetch(WAITING, batch=self._options.batch)
        if waiting:
            deeds = [deed_of(content, chain, at) for _, chain, at, content in waiting]
            await self._append(deeds, seqs=[row[0] for row in waiting])
        rows = await self._control.fetch(POSITION)
        changes = await self._changes(rows[0][0]) if rows else []
        if changes:
            positions = rows[0][0], changes[-1][0]
            await self._append([deed for _, deed in changes], positions=positions)
        return max(len(waiting), len(changes))

    async def behind(self) -> bool:
        """Whether a change that has its place in the outbox waits to be chained. From any process."""
        rows = await self._control.fetch(POSITION)
        return bool(rows and await self._changes(rows[0][0]))

    async def _changes(self, position: int) -> list[tuple[int, Deed]]:
        statement = audited_statement(self._database.dialect, self._options.every)
        values = {"position": position, "batch": self._options.batch}
        return [
            (row[0], _deed_of_change(row[1:]))
            for row in statement.read(await self._database.fetch(self._system, statement, values))
        ]

    async def _append(self, deeds: Sequence[Deed], **more: Any) -> None:
        chains = {deed.chain for deed in deeds}
        unknown = [chain for chain in chains | {SYSTEM_CHAIN} if chain not in self._heads]
        if unknown:
            rows = await self._control.fetch(steps.HEADS_OF, chains=unknown)
            self._heads |= {chain: Mark(chain, seq, digest) for chain, seq, digest, _ in rows}
        deeds = steps.with_starts(deeds, self._heads)
        wanted = {holder for deed in deeds for holder in steps.holders_of(deed)}
        keys = await self._keys.require(wanted, self._clock.now())
        made = steps.chained(deeds, self._heads, keys)
        try:
            script = steps.append(self._control, self._sealer, made, self._heads, **more)
            self._heads |= await self._control.write(script)
        except errors.UniqueClash:
            self._heads.clear()
            raise steps.HeadMoved("another process appended to a chain; reading it again.") from None
        if len(self._heads) > 10_000:
            self._heads.clear()

    async def _clean(self) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._cleaned < self._options.housekeeping:
            return
        self._cleaned = now
        today = self._clock.now()
        await self._keys.destroy_months(today - timedelta(days=self._options.nobody_days), today)
        if self._options.kept_days is not None:
            await self._pruning.prune(today - timedelta(days=self._options.kept_days), today)
        rows = await self._control.fetch(steps.HEADS_OF, chains=[SYSTEM_CHAIN])
        for chain, seq, digest, _ in rows:
            # In the log, which is usually kept elsewhere: whoever rewrites the database does not rewrite that.
            log.info("audit anchor chain=%s seq=%s hash=%s", chain, seq, digest)


def _deed_of_change(row: Sequence[Any]) -> Deed:
    tenant_id, channel, action, key, version, at, actor_id, request_id, payload, origin = row
    where: dict[str, Any] = dict(origin or {})
    impersonator, session = as_id(where.pop("impersonator_id", None)), as_id(where.pop("session_id", None))
    details: dict[str, Any] = {"version": version}
    if isinstance(payload, dict) and payload.get("changed"):
        # Their names; values stay in the row, where they can be erased.
        details["fields"] = payload["changed"]
    moment: datetime = at
    return Deed(
        f"{channel}.{action}",
        moment,
        tenant_id,
        actor_id,
        impersonator,
        None,
        session,
        request_id,
        key or None,
        where,
        details,
    )
