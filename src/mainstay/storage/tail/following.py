"""The outbox's tail: what every process hears of the changes made in all of them, without waiting for a delivery."""

import asyncio
import logging
import secrets
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from mainstay.base.events import Action
from mainstay.base.tenant import SystemScope
from mainstay.storage.database import Database
from mainstay.storage.outbox import Change, record
from mainstay.storage.sql import TENANT_NAME
from mainstay.storage.statement import Rows, Script
from mainstay.storage.tail.statements import tail_statements
from mainstay.storage.types import POSTGRES, JsonText

log = logging.getLogger("mainstay.tail")


@dataclass(frozen=True, slots=True)
class TailOptions:
    """`interval`: seconds between looks. `bound`: seconds after which what was committed is surely heard, or the tail
    says that it is behind. `channel`: where notes between processes go. `recent`: how many changes of the past are
    heard at the start."""

    interval: float = 0.25
    bound: float = 1.0
    channel: str = "mainstay.note"
    recent: int = 2000
    batch: int = 1000


@dataclass(frozen=True, slots=True)
class Heard:
    """One change, or a note: then `note` is what was noted. `key` is "" for a change to many rows."""

    place: int
    tenant: str
    channel: str
    key: str
    note: dict[str, Any] | None


class Tail:
    """Hears changes in the order of their commits, in this process as in every other. Everything twice is possible.

    `heard` is called on the event loop before `position` moves past what it was told.
    """

    def __init__(
        self,
        database: Database,
        scope: SystemScope,
        heard: Callable[[Sequence[Heard]], None],
        options: TailOptions = TailOptions(),
    ) -> None:
        self._database, self._scope, self._heard, self._options = database, scope, heard, options
        self._plans = tail_statements(database.name, options.channel)
        self._read_note = JsonText().from_raw(database.name)
        self._task: asyncio.Task[None] | None = None
        self._looked = float("-inf")
        # Changes without a place, which the relay has not come to: at which time the newest of them had which number.
        self._waiting: deque[tuple[float, int]] = deque()
        self.position = 0
        self.floor = 0

    def behind(self) -> bool:
        """Whether a change that was committed over `bound` seconds ago may be unheard: nobody looked, or it waits."""
        now = time.monotonic()
        bound = self._options.bound
        waits = bool(self._waiting) and now - self._waiting[0][0] > bound
        return waits or now - self._looked > bound

    async def epoch(self) -> str:
        """A name that this database keeps and no other has: its relay's."""
        return (await self._database.write(self._scope, self._begin()))[0]

    async def start(self) -> None:
        """Hear of the recent past, then keep listening until `stop`. What came before `floor` is not heard."""
        _, numbered = await self._database.write(self._scope, self._begin())
        rows = await self._database.fetch(self._scope, self._plans["recent"], {"most": self._options.recent})
        self.floor = self.position = rows[-1][0] - 1 if rows else numbered
        self._tell(rows[::-1])
        if self._database.name == POSTGRES:
            # What was committed before this began counts as long overdue.
            await self._look_at_waiting(float("-inf"))
        await self.look()
        self._task = asyncio.create_task(self._keep_looking(), name="mainstay-tail")

    async def stop(self) -> None:
        """Stop listening; from now on it is behind."""
        task, self._task = self._task, None
        self._looked = float("-inf")
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def look(self) -> None:
        """Hear what there is now."""
        while True:
            began = time.monotonic()
            if self._database.name == POSTGRES:
                # First what waits: a change that gets its place between the two statements is heard by the second.
                await self._look_at_waiting(began)
            values = {"place": self.position, "batch": self._options.batch}
            rows = await self._database.fetch(self._scope, self._plans["since"], values)
            self._tell(rows)
            if len(rows) < self._options.batch:
                self._looked = began
                return

    async def note(self, tenant: UUID, content: dict[str, Any]) -> None:
        """Have every process hear this, its own included."""
        await self._database.write(self._scope, self._noting(tenant, content))

    async def _look_at_waiting(self, now: float) -> None:
        rows = await self._database.fetch(self._scope, self._plans["waiting"], {})
        oldest, newest = rows[0]
        waiting = self._waiting
        while waiting and (oldest is None or waiting[0][1] < oldest):
            waiting.popleft()
        if newest is not None and (not waiting or waiting[-1][1] < newest):
            waiting.append((now, newest))

    def _tell(self, rows: Rows) -> None:
        if not rows:
            return
        read = self._read_note
        self._heard(
            [
                Heard(place, str(tenant), channel, key, None if note is None else read(note))
                for place, tenant, channel, key, note in rows
            ]
        )
        self.position = max(self.position, rows[-1][0])

    async def _keep_looking(self) -> None:
        silent = False
        while True:
            await asyncio.sleep(self._options.interval)
            try:
                await self.look()
                silent = False
            except Exception as error:
                # One line an outage is enough.
                if not silent:
                    log.warning("changes made elsewhere cannot be read, so nothing made of them is believed: %s", error)
                silent = True

    def _begin(self) -> Script[tuple[str, int]]:
        rows = yield self._plans["state"], {}
        if not rows:
            yield self._plans["create_state"], {"epoch": secrets.token_hex(8)}
            rows = yield self._plans["state"], {}
        return str(rows[0][0]), int(rows[0][1])

    def _noting(self, tenant: UUID, content: dict[str, Any]) -> Script[None]:
        change = Change(self._options.channel, Action.changed, "", 0, content)
        statement, values = record(self._database.dialect, change)
        yield statement, {**values, TENANT_NAME: tenant}
