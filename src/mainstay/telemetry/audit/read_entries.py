"""Looks entries up: a chain's newest first, or all that are about one person."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, bindparam, or_, select

from mainstay.base.tenant import SystemScope
from mainstay.storage import Database, Statement, compile_statement, sql
from mainstay.storage.control import ControlPlane
from mainstay.storage.types import utc_text
from mainstay.telemetry.audit.chain.entry import Entry, entry_of
from mainstay.telemetry.audit.persons import PersonalKeys, holder_in, open_values
from mainstay.telemetry.audit.tables import entries as t

ABOUT = (
    select(*t.c)
    .where(or_(t.c.user_id == bindparam("person"), t.c.actor_id == bindparam("person")))
    .order_by(t.c.tenant_id, t.c.seq)
)
BATCH = 500


@dataclass(frozen=True, slots=True)
class Filter:
    """Entries by or about `user_id`, of this name or of all names below one (`session.*`), and of a span of time."""

    user_id: UUID | None = None
    name: str | None = None
    subject: str | None = None
    request_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None


class Reading:
    """Entries with what is personal opened, as long as its key is there."""

    def __init__(self, database: Database, system: SystemScope, keys: PersonalKeys) -> None:
        self._control = ControlPlane(database, system)
        self._database, self._system, self._keys = database, system, keys
        self._queries: dict[tuple[str, ...], Select[Any]] = {}
        self._about: Statement | None = None

    async def page(self, chain: UUID, chosen: Filter, limit: int, before: int | None = None) -> list[dict[str, Any]]:
        """At most `limit` entries, newest first, of numbers lower than `before`; JSON-ready."""
        values: dict[str, Any] = {"limit": limit}
        if before is not None:
            values["before"] = before
        if chosen.name is not None and chosen.name.endswith("*"):
            # As numbers go, what begins with `a.` lies between it and what follows its last letter.
            start = chosen.name.rstrip("*")
            values |= {"from_name": start, "below_name": start[:-1] + chr(ord(start[-1]) + 1)} if start else {}
        elif chosen.name is not None:
            values["name"] = chosen.name
        for name in ("user_id", "subject", "request_id", "since", "until"):
            value = getattr(chosen, name)
            if value is not None:
                values[name] = value
        query = self._query(tuple(sorted(values)))
        rows = await self._control.fetch(query, mainstay_tenant=chain, **values)
        return await self.opened([entry_of(row) for row in rows])

    async def every(self, chain: UUID, chosen: Filter) -> AsyncIterator[dict[str, Any]]:
        """All of them, newest first."""
        before: int | None = None
        while page := await self.page(chain, chosen, BATCH, before):
            for each in page:
                yield each
            before = page[-1]["seq"]

    async def about(self, user_id: UUID) -> list[dict[str, Any]]:
        """All entries of all chains that somebody did, or that are about them."""
        if self._about is None:
            self._about = compile_statement(ABOUT, self._database.dialect, system=True)
        rows = self._about.read(await self._database.fetch(self._system, self._about, {"person": user_id}))
        return await self.opened([entry_of(row) for row in rows])

    async def opened(self, found: Sequence[Entry]) -> list[dict[str, Any]]:
        """The entries as documents, what is personal opened."""
        holders = {holder_in(text) for entry in found for text in (entry.origin, entry.details)}
        keys = await self._keys.find(each for each in holders if each is not None)
        return [
            {
                "chain": str(entry.chain),
                "seq": entry.seq,
                "at": utc_text(entry.at),
                "name": entry.name,
                "actor_id": _text(entry.actor_id),
                "impersonator_id": _text(entry.impersonator_id),
                "user_id": _text(entry.user_id),
                "session_id": _text(entry.session_id),
                "request_id": entry.request_id,
                "subject": entry.subject,
                "origin": dict(open_values(keys, entry.origin)),
                "details": dict(open_values(keys, entry.details)),
                "hash": entry.hash,
            }
            for entry in found
        ]

    def _query(self, names: tuple[str, ...]) -> Select[Any]:
        # Kept: a plan belongs to its statement, and there are few combinations.
        known = self._queries.get(names)
        if known is None:
            conditions = {
                "before": lambda: t.c.seq < bindparam("before"),
                "name": lambda: t.c.name == bindparam("name"),
                "from_name": lambda: t.c.name >= bindparam("from_name"),
                "below_name": lambda: t.c.name < bindparam("below_name"),
                "user_id": lambda: or_(
                    t.c.user_id == bindparam("user_id"),
                    t.c.actor_id == bindparam("user_id"),
                    t.c.impersonator_id == bindparam("user_id"),
                ),
                "subject": lambda: t.c.subject == bindparam("subject"),
                "request_id": lambda: t.c.request_id == bindparam("request_id"),
                "since": lambda: t.c.at >= bindparam("since"),
                "until": lambda: t.c.at < bindparam("until"),
            }
            chosen = [conditions[name]() for name in names if name in conditions]
            known = select(*t.c).where(sql.in_tenant(t), *chosen).order_by(t.c.seq.desc()).limit(bindparam("limit"))
            self._queries[names] = known
        return known


def _text(identifier: UUID | None) -> str | None:
    return None if identifier is None else str(identifier)
