"""The audit as its users hold it: what happened goes in, chains and proofs come out."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, func, insert, select

from mainstay.base.clock import Clock, SystemClock
from mainstay.base.ports import HttpScope
from mainstay.base.secret import MasterKey
from mainstay.base.tenant import SystemScope
from mainstay.storage import Database, Statement
from mainstay.storage.control import ControlPlane, in_turn
from mainstay.telemetry.audit.chain.append import HEADS
from mainstay.telemetry.audit.chain.chaining import Chaining
from mainstay.telemetry.audit.chain.entry import Mark, Sealer
from mainstay.telemetry.audit.chain.prune import Pruning
from mainstay.telemetry.audit.chain.verify import Verdict, Verification
from mainstay.telemetry.audit.deed import SYSTEM_CHAIN, Deed, done_now
from mainstay.telemetry.audit.options import AuditOptions
from mainstay.telemetry.audit.persons import PersonalKeys
from mainstay.telemetry.audit.read_entries import Reading
from mainstay.telemetry.audit.tables import queue
from mainstay.telemetry.audit.throttle import Throttle

log = logging.getLogger("mainstay.audit")
ADD = insert(queue).values({name: bindparam(name) for name in ("tenant_id", "at", "content")})
WAITING = select(func.count()).select_from(queue)
LONGEST_AGENT = 200
Step = tuple[Statement, Mapping[str, Any]]


class Audit:
    """`open()` before use, on the loop that serves; `close()` after: what is buffered is then written.

    `note` gives the step that notes a deed in the transaction it happens in; `tell` takes what no transaction speaks
    of, at once, and counts what comes too often.
    """

    def __init__(
        self,
        database: Database,
        system: SystemScope,
        master: MasterKey,
        options: AuditOptions | None = None,
        clock: Clock | None = None,
        address: Callable[[HttpScope], str] | None = None,
    ) -> None:
        self.options = options = options or AuditOptions()
        self._clock = clock = clock or SystemClock()
        self._control = ControlPlane(database, system)
        self._sealer = Sealer(master)
        self.keys = PersonalKeys(self._control, master)
        self.chaining = Chaining(database, system, self.keys, self._sealer, options, clock)
        self.entries = Reading(database, system, self.keys)
        self._verification = Verification(database, system, self._sealer)
        self._throttle = Throttle(options, clock)
        self._writer: asyncio.Task[None] | None = None
        # Where a deed comes from that no request asked for.
        self.without_request = "the process itself"
        self.origin = RequestOrigin(address, every=options.every)

    async def open(self) -> None:
        """Begin to write down what is told, and to chain, or to stand by."""
        self._writer = asyncio.create_task(self._keep_writing(), name="mainstay-audit-writer")
        await self.chaining.start()

    async def close(self) -> None:
        """Write what is buffered, and stop."""
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await writer
            with contextlib.suppress(Exception):
                await self.flush(all_of_it=True)
        await self.chaining.stop()

    # What happened

    def now(self, name: str, **more: Any) -> Deed:
        """The deed of whoever calls, at this moment; see `deed.done_now`."""
        return done_now(name, self._clock.now(), without_request=self.without_request, **more)

    def note(self, deed: Deed) -> Step:
        """The statement that notes it, for the transaction it happens in."""
        chain = None if deed.chain == SYSTEM_CHAIN else deed.chain
        return self._control.step(ADD, tenant_id=chain, at=deed.at, content=deed.as_dict())

    def tell(self, deed: Deed) -> None:
        """Note it soon, without waiting. What a crash takes with it is at most an interval's."""
        self._throttle.tell(deed)

    async def write_down(self, *deeds: Deed) -> None:
        """Note them now, in a transaction of their own. Raises Unavailable: then what they announce is not to be."""
        await self._control.write(in_turn([self.note(deed) for deed in deeds]))

    # What is known

    async def settle(self) -> bool:
        """Write down what was told, and see everything that waits chained; False where who chains takes long."""
        await self.flush()
        return await self.chaining.settle()

    async def waiting(self) -> int:
        """How many deeds are noted and not chained yet."""
        return int((await self._control.fetch(WAITING))[0][0])

    async def verify(self, chain: UUID | None = None, anchors: Iterable[Mark] = ()) -> list[Verdict]:
        """Whether every chain, or this one, is as it was written."""
        return await self._verification.verify(chain, anchors)

    async def anchors(self) -> list[Mark]:
        """The newest entry of every chain: to be kept where whoever can change the database cannot."""
        rows = await self._control.fetch(HEADS)
        return sorted((Mark(chain, seq, digest) for chain, seq, digest, _ in rows), key=lambda mark: str(mark.chain))

    async def prune(self, before: datetime) -> dict[UUID, int]:
        """Delete what was done before this, behind sealed checkpoints; answers how many entries of each chain."""
        return await Pruning(self._control, self._sealer).prune(before, self._clock.now())

    async def forget(self, user_id: UUID) -> None:
        """Destroy the person's key: where they came from and what is told of them cannot be read any more."""
        await self.keys.destroy(str(user_id), self._clock.now())

    # The buffer

    async def flush(self, *, all_of_it: bool = False) -> None:
        """Write down what was told."""
        deeds = self._throttle.taken(all_of_it=all_of_it)
        if not deeds:
            return
        try:
            await self.write_down(*deeds)
        except BaseException:
            self._throttle.give_back(deeds)
            raise

    async def _keep_writing(self) -> None:
        silent = False
        while True:
            await asyncio.sleep(self.options.interval)
            try:
                await self.flush()
                silent = False
            except Exception as error:
                if not silent:
                    log.warning("the audit cannot be written, and waits: %s", error)
                silent = True


class RequestOrigin:
    """`base.ports.Origin`: the client's address, its user agent, method and route."""

    def __init__(self, address: Callable[[HttpScope], str] | None, *, every: bool) -> None:
        self._address, self.every = address, every

    def __call__(self, scope: HttpScope) -> dict[str, Any]:
        """What a request tells of where it comes from, JSON-ready and bounded."""
        client = scope.get("client")
        address = self._address(scope) if self._address is not None else client[0] if client else None
        found: dict[str, Any] = {
            "address": address,
            "agent": _agent(scope.get("headers", ())),
            "method": scope.get("method"),
            "route": scope.get("mainstay.route") or _printable(str(scope.get("path", "")))[:LONGEST_AGENT],
        }
        return {name: value for name, value in found.items() if value}


def _agent(headers: Sequence[tuple[bytes, bytes]]) -> str | None:
    for name, value in headers:
        if name == b"user-agent":
            return _printable(value[: LONGEST_AGENT * 2].decode("latin-1"))[:LONGEST_AGENT]
    return None


def _printable(text: str) -> str:
    # Nearly always it is: looking takes a twentieth of the time.
    return text if text.isprintable() else "".join(letter for letter in text if letter.isprintable())
