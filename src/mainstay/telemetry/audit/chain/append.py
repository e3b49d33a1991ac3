"""Deeds become entries: hashed in order, each chain's head moved on, and what they came from forgotten, all at once."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, delete, insert, select, update

from mainstay.base.errors import MainstayError
from mainstay.storage import sql
from mainstay.storage.control import ControlPlane
from mainstay.telemetry.audit.chain.entry import BEGINNING, Entry, Mark, Sealer
from mainstay.telemetry.audit.deed import SYSTEM_CHAIN, Deed
from mainstay.telemetry.audit.persons import close_values, holder_of
from mainstay.telemetry.audit.tables import entries, heads, queue, state

HEADS = select(heads.c.tenant_id, heads.c.seq, heads.c.hash, heads.c.seal)
HEADS_OF = HEADS.where(sql.any_of(heads.c.tenant_id, "chains"))
ADD_ENTRY = insert(entries).values(
    {"tenant_id": sql.TENANT, **{c.name: bindparam(c.name) for c in entries.c if c.name != "tenant_id"}}
)
ADD_HEAD = insert(heads).values({c.name: bindparam(c.name) for c in heads.c})
MOVE_HEAD = (
    update(heads)
    .where(heads.c.tenant_id == bindparam("chain"), heads.c.seq == bindparam("after"))
    .values({name: bindparam(name) for name in ("seq", "hash", "seal")})
    .returning(heads.c.seq)
)
TAKE_OFF = delete(queue).where(sql.any_of(queue.c.seq, "seqs")).returning(queue.c.seq)
MOVE_ON = (
    update(state)
    .where(state.c.position == bindparam("from_position"))
    .values(position=bindparam("position"))
    .returning(state.c.position)
)
STARTED = "audit.chain_started"


class HeadMoved(MainstayError):
    """Another process has chained meanwhile."""


def with_starts(deeds: Sequence[Deed], known: Mapping[UUID, Mark]) -> list[Deed]:
    """The deeds, those of a tenant that has no chain yet behind a note of it in the system's chain.

    A chain that is deleted as a whole, head and all, is missed by that note.
    """
    found: list[Deed] = []
    seen = set(known)
    for deed in deeds:
        if deed.chain not in seen and deed.chain != SYSTEM_CHAIN:
            found.append(Deed(STARTED, deed.at, subject=str(deed.chain)))
        seen.add(deed.chain)
        found.append(deed)
    return found


def holders_of(deed: Deed) -> tuple[str, str]:
    """Whose keys seal where the deed came from, and what it says."""
    return (
        holder_of(deed.at, deed.impersonator_id, deed.actor_id, deed.user_id),
        holder_of(deed.at, deed.user_id, deed.actor_id),
    )


def chained(deeds: Iterable[Deed], known: Mapping[UUID, Mark], keys: Mapping[str, bytes | None]) -> list[Entry]:
    """The deeds as entries that go on from these heads."""
    last = dict(known)
    made: list[Entry] = []
    for deed in deeds:
        mark = last.get(deed.chain) or Mark(deed.chain, 0, BEGINNING)
        origin, details = holders_of(deed)
        open_entry = Entry(
            deed.chain,
            mark.seq + 1,
            deed.at,
            deed.name,
            deed.actor_id,
            deed.impersonator_id,
            deed.user_id,
            deed.session_id,
            deed.request_id,
            deed.subject,
            close_values(origin, keys.get(origin), deed.origin),
            close_values(details, keys.get(details), deed.details),
            mark.hash,
            "",
        )
        entry = Entry(deed.chain, **(open_entry.values() | {"hash": open_entry.digest()}))
        last[deed.chain] = Mark(deed.chain, entry.seq, entry.hash)
        made.append(entry)
    return made


def append(
    control: ControlPlane,
    sealer: Sealer,
    made: Sequence[Entry],
    known: Mapping[UUID, Mark],
    *,
    seqs: Sequence[int] = (),
    positions: tuple[int, int] | None = None,
) -> Any:
    """The script that writes entries; raises HeadMoved, with nothing written, where another process wrote some."""
    last: dict[UUID, Mark] = {}
    for entry in made:
        yield control.step(ADD_ENTRY, mainstay_tenant=entry.chain, **entry.values())
        last[entry.chain] = Mark(entry.chain, entry.seq, entry.hash)
    for chain, mark in last.items():
        told = {"seq": mark.seq, "hash": mark.hash, "seal": sealer.seal("head", mark)}
        before = known.get(chain)
        if before is None:
            yield control.step(ADD_HEAD, tenant_id=chain, **told)
            continue
        moved = yield control.step(MOVE_HEAD, chain=chain, after=before.seq, **told)
        if not moved:
            raise HeadMoved
    # What somebody else has taken meanwhile is in the chain already.
    if seqs and len((yield control.step(TAKE_OFF, seqs=list(seqs)))) != len(seqs):
        raise HeadMoved
    if positions is not None:
        moved = yield control.step(MOVE_ON, from_position=positions[0], position=positions[1])
        if not moved:
            raise HeadMoved
    return last
