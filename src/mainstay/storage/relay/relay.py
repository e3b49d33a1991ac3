"""The relay: one per database, reads the outbox in commit order, numbers each channel, hands events to subscribers."""

import asyncio
import logging
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from mainstay.base.events import Action, Event
from mainstay.base.ports import Subscriber
from mainstay.base.tenant import SystemScope
from mainstay.storage.database import Database
from mainstay.storage.idempotency import KEPT, forget_statement
from mainstay.storage.ports import Held
from mainstay.storage.relay.leader import Leader
from mainstay.storage.relay.statements import RelayStatements
from mainstay.storage.statement import Rows, Script
from mainstay.storage.types import JsonText, UtcDateTime, json_text, utc_now

log = logging.getLogger("mainstay.relay")
LOCK = "relay"


@dataclass(frozen=True, slots=True)
class RelayOptions:
    """`interval`: seconds between looks when nobody wakes it. `kept`: how long delivered events stay for recovery.

    `gather`: seconds to wait after a batch that was not full. Each batch costs commits of its own, so under steady
    writing it pays to number many changes at once; it is also what an event may be late by. `unheard`: the
    same where nobody listens.
    """

    interval: float = 0.25
    gather: float = 0.05
    unheard: float = 0.5
    batch: int = 500
    kept: timedelta = timedelta(days=3)
    standby: float = 1.0
    housekeeping: float = 600.0


class Relay:
    """Numbers committed changes and delivers them, at least once and in order, to every subscriber.

    Several processes may start one: one works, the others stand by. A subscriber that raises is tried again with the
    same events after a pause; the others get them again too.
    """

    def __init__(
        self,
        database: Database,
        scope: SystemScope,
        subscribers: Sequence[Subscriber],
        options: RelayOptions = RelayOptions(),
    ) -> None:
        self._database, self._scope, self._options = database, scope, options
        self._subscribers = list(subscribers)
        self._plans = RelayStatements(database.name)
        self._leader = Leader(database, LOCK, self._work, log, standby=options.standby)
        self._read_at = UtcDateTime().from_raw(database.name)
        self._read_payload = JsonText().from_raw(database.name)
        self._epoch = ""

    def subscribe(self, subscriber: Subscriber) -> None:
        """Add a subscriber; it gets what is not yet delivered."""
        self._subscribers.append(subscriber)

    def wake(self) -> None:
        """Look now instead of after the interval. To be called from the event loop; a lost call is only latency."""
        self._leader.wake()

    async def start(self) -> None:
        """Begin to relay, or to stand by, in the background."""
        await self._leader.start()

    async def stop(self) -> None:
        """Finish the batch under way, let go of the lock. A subscriber that takes over 5 s gets its batch again."""
        await self._leader.stop()

    async def oldest(self) -> datetime | None:
        """When the oldest change was made that is not delivered yet; None where nothing waits. From any process."""
        rows = await self._database.fetch(self._scope, self._plans["oldest"], {})
        return self._read_at(rows[0][0]) if rows and rows[0][0] is not None else None

    async def _work(self, held: Held) -> None:
        loop = asyncio.get_running_loop()
        self._epoch = await self._database.write(self._scope, self._begin())
        cleaned = float("-inf")
        while await self._leader.leads(held):
            found = await self.step()
            if loop.time() - cleaned > self._options.housekeeping:
                cleaned = loop.time()
                await self._database.write(self._scope, self._clean())
            if found < self._options.batch:
                gather = self._options.gather if self._subscribers else self._options.unheard
                await self._leader.pause(gather if found else self._options.interval)

    async def step(self) -> int:
        """Number one batch and deliver one; answers how many changes the larger of the two had."""
        plans, values = self._plans, {"batch": self._options.batch}
        waiting = await self._database.fetch(self._scope, plans["waiting"], values)
        if waiting:
            await self._database.write(self._scope, self._number(waiting))
        rows = await self._database.fetch(self._scope, plans["undelivered"], values) if self._subscribers else []
        if rows:
            events = [self._event(row) for row in rows]
            for subscriber in self._subscribers:
                await subscriber(events)
            await self._database.write(self._scope, self._delivered(rows[-1][0]), single=True)
        return max(len(waiting), len(rows))

    def _event(self, row: tuple[Any, ...]) -> Event:
        _, tenant, channel, action, key, version, at, actor, request, payload, offset = row
        return Event(
            UUID(tenant),
            channel,
            Action(action),
            key,
            version,
            self._read_at(at),
            None if actor is None else UUID(actor),
            request,
            self._read_payload(payload),
            offset,
            self._epoch,
        )

    def _begin(self) -> Script[str]:
        rows = yield self._plans["state"], {}
        if not rows:
            yield self._plans["create_state"], {"epoch": secrets.token_hex(8)}
            rows = yield self._plans["state"], {}
        return str(rows[0][0])

    def _number(self, waiting: Rows) -> Script[None]:
        plans = self._plans
        if self._database.name == "postgresql":
            yield plans["number_all"], {"seqs": [row[0] for row in waiting], "nobody": not self._subscribers}
            return
        rows = yield plans["state"], {}
        position: int = rows[0][1]
        pairs = list(dict.fromkeys((tenant, channel) for _, tenant, channel in waiting))
        found = yield plans["offsets"], {"rows": json_text([{"t": tenant, "c": channel} for tenant, channel in pairs])}
        offsets = dict.fromkeys(pairs, 0) | {(tenant, channel): offset for tenant, channel, offset in found}
        numbered = []
        for seq, tenant, channel in waiting:
            # One writer: the sequence is the order of commits.
            position = seq
            offsets[tenant, channel] += 1
            numbered.append({"s": seq, "p": position, "o": offsets[tenant, channel]})
        yield plans["number"], {"rows": json_text(numbered)}
        kept = [{"t": tenant, "c": channel, "o": offset} for (tenant, channel), offset in offsets.items()]
        yield plans["set_offsets"], {"rows": json_text(kept)}
        yield plans["set_numbered"], {"position": position}
        if not self._subscribers:
            # Nobody listens, so there is nobody to deliver to: no second commit.
            yield plans["set_delivered"], {"position": position}

    def _delivered(self, position: int) -> Script[None]:
        yield self._plans["set_delivered"], {"position": position}

    def _clean(self) -> Script[None]:
        rows = yield self._plans["state"], {}
        yield self._plans["forget"], {"before": utc_now() - self._options.kept, "delivered": rows[0][2]}
        yield forget_statement(self._database.dialect), {"before": utc_now() - KEPT}
