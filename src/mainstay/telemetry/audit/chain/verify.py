"""Proves that the chains are as they were written, or names the first entry of each that is not."""

from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import bindparam, func, select

from mainstay.base.tenant import SystemScope
from mainstay.storage import Database, compile_statement, sql
from mainstay.storage.control import ControlPlane
from mainstay.telemetry.audit.chain.append import HEADS, STARTED
from mainstay.telemetry.audit.chain.entry import BEGINNING, Entry, Mark, Sealer, entry_of
from mainstay.telemetry.audit.deed import SYSTEM_CHAIN
from mainstay.telemetry.audit.tables import checkpoints, entries

PAGE = (
    select(*entries.c)
    .where(sql.in_tenant(entries), entries.c.seq > bindparam("after"))
    .order_by(entries.c.seq)
    .limit(bindparam("batch"))
)
CHECKPOINTS = select(checkpoints.c.tenant_id, checkpoints.c.seq, checkpoints.c.hash, checkpoints.c.seal)
NEWEST = select(entries.c.tenant_id, func.max(entries.c.seq)).group_by(entries.c.tenant_id)
BATCH = 1000


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one chain: `entries` that hold, and where it is broken, which entry and how."""

    chain: UUID
    entries: int
    broken_at: int | None = None
    why: str | None = None

    @property
    def holds(self) -> bool:
        return self.why is None


Sealed = Mapping[UUID, tuple[Mark, str]]


class Verification:
    """Reads whole chains from their checkpoints to their heads, and looks for anchors on the way."""

    def __init__(self, database: Database, system: SystemScope, sealer: Sealer) -> None:
        self._database, self._system, self._sealer = database, system, sealer
        self._control = ControlPlane(database, system)

    async def verify(self, chain: UUID | None = None, anchors: Iterable[Mark] = ()) -> list[Verdict]:
        """Of every chain, or of one. `anchors` are marks that were kept elsewhere: each must stand in its chain.

        What is appended meanwhile is not looked at.
        """
        # Before the heads: an entry and its head come in one transaction, so none may be newer than a head read later.
        present = compile_statement(NEWEST, self._database.dialect, system=True)
        found: dict[UUID, int] = dict(present.read(await self._database.fetch(self._system, present, {})))
        heads = await self._sealed(HEADS)
        starts = await self._sealed(CHECKPOINTS)
        wanted: dict[UUID, dict[int, str]] = {}
        for anchor in anchors:
            wanted.setdefault(anchor.chain, {})[anchor.seq] = anchor.hash
        chains = {*heads, *starts, *wanted, *found}
        started = await self._started(heads) if chains else set()
        asked = sorted(chains | started, key=str) if chain is None else [chain]
        verdicts = []
        for each in asked:
            verdict = await self._verify(each, heads.get(each), starts.get(each), wanted.get(each, {}), started)
            head = heads.get(each)
            if verdict.holds and head is not None and found.get(each, 0) > head[0].seq:
                why = "this entry stands behind the head: it was not written by the audit"
                verdict = Verdict(each, verdict.entries, head[0].seq + 1, why)
            verdicts.append(verdict)
        return verdicts

    async def _verify(
        self,
        chain: UUID,
        head: tuple[Mark, str] | None,
        start: tuple[Mark, str] | None,
        anchors: Mapping[int, str],
        started: set[UUID],
    ) -> Verdict:
        last, count = Mark(chain, 0, BEGINNING), 0
        if start is not None:
            last = start[0]
            if not self._sealer.holds("checkpoint", *start):
                return Verdict(chain, 0, last.seq, "the checkpoint's seal is not ours: it was forged, or changed")
        if head is None:
            return self._headless(chain, anchors, started, known=start is not None)
        newest, seal = head
        if not self._sealer.holds("head", newest, seal):
            return Verdict(chain, 0, newest.seq, "the head's seal is not ours: it was forged, or changed")
        first = last.seq
        async for entry in self._entries(chain, last.seq, newest.seq):
            why = _fault(entry, last)
            if why is None and anchors.get(entry.seq, entry.hash) != entry.hash:
                why = "an anchor that was kept elsewhere names another hash: the chain was rewritten"
            if why is not None:
                return Verdict(chain, count, min(entry.seq, last.seq + 1), why)
            last, count = Mark(chain, entry.seq, entry.hash), count + 1
        if last.seq < newest.seq:
            return Verdict(chain, count, last.seq + 1, "this entry and all after it are missing")
        if last.hash != newest.hash:
            return Verdict(chain, count, last.seq, "the head names another hash: the newest entries were rewritten")
        missing = sorted(seq for seq in anchors if seq > newest.seq)
        if missing:
            return Verdict(chain, count, missing[0], "an anchor names this entry, and the chain ends before it")
        if start is not None and anchors.get(first, start[0].hash) != start[0].hash:
            return Verdict(chain, count, first, "an anchor names another hash than the checkpoint")
        return Verdict(chain, count)

    def _headless(self, chain: UUID, anchors: Mapping[int, str], started: set[UUID], *, known: bool) -> Verdict:
        if chain == SYSTEM_CHAIN and not (anchors or known or started):
            return Verdict(chain, 0)
        why = "the chain has no head" if known or not (anchors or chain in started) else "the whole chain is missing"
        return Verdict(chain, 0, 1, why)

    async def _started(self, heads: Sealed) -> set[UUID]:
        """The tenants whose chains the system's chain knows of, and those of all heads are none without it."""
        found: set[UUID] = set()
        if SYSTEM_CHAIN in heads:
            async for entry in self._entries(SYSTEM_CHAIN, 0, heads[SYSTEM_CHAIN][0].seq):
                if entry.name == STARTED and entry.subject is not None:
                    found.add(UUID(entry.subject))
        elif heads:
            found.add(SYSTEM_CHAIN)
        return found

    async def _entries(self, chain: UUID, after: int, newest: int) -> AsyncIterator[Entry]:
        while after < newest:
            rows = await self._control.fetch(PAGE, mainstay_tenant=chain, after=after, batch=BATCH)
            for row in rows:
                entry = entry_of(row)
                if entry.seq > newest:
                    return
                yield entry
                after = entry.seq
            if len(rows) < BATCH:
                return

    async def _sealed(self, query: object) -> Sealed:
        rows = await self._control.fetch(query)
        return {chain: (Mark(chain, seq, digest), seal) for chain, seq, digest, seal in rows}


def _fault(entry: Entry, last: Mark) -> str | None:
    if entry.seq != last.seq + 1:
        return "this entry is missing"
    if entry.digest() != entry.hash:
        return "its content was changed"
    if entry.previous != last.hash:
        return "it does not follow from the entry before it: one of the two was rewritten"
    return None
