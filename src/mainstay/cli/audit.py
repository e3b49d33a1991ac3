"""`mainstay audit`: prove the audit log, read it, take it elsewhere, prune it."""

import json
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer
from rich.markup import escape

from mainstay.assembly import Mainstay, load
from mainstay.base.tenant import DEFAULT_TENANT
from mainstay.cli.frame.act import InTenant, opened
from mainstay.cli.frame.ending import Refused
from mainstay.cli.frame.load import DEFAULT, AppOption
from mainstay.cli.frame.output import AsJson, Output
from mainstay.telemetry.audit import SYSTEM_CHAIN, Filter, Mark

audit = typer.Typer(no_args_is_help=True, help="The audit log: verify, list, export, anchor, prune.")

System = Annotated[bool, typer.Option("--system", help="The system's chain, and not a tenant's.")]
User = Annotated[str | None, typer.Option("--user", metavar="EMAIL", help="By or about this user (e-mail or id).")]
Name = Annotated[str | None, typer.Option("--name", help="What happened: session.started, or session.* for all such.")]
Since = Annotated[str | None, typer.Option("--since", help="A moment (2026-05-01, with a time too), or 7d, 12h ago.")]
Until = Annotated[str | None, typer.Option("--until", help="Before this moment.")]
Limit = Annotated[int, typer.Option("--limit", min=1, max=10_000, help="At most so many entries.")]
Out = Annotated[Path | None, typer.Option("--out", "-o", help="Into this file; otherwise to standard output.")]
Anchors = Annotated[Path | None, typer.Option("--anchors", help="A file that `audit anchor` wrote earlier.")]
_UNITS = {"d": "days", "h": "hours", "m": "minutes"}


@audit.command("verify")
def verify(app: AppOption = DEFAULT, tenant: InTenant = None, anchors: Anchors = None, as_json: AsJson = False) -> None:
    """Prove that no entry was changed, added or taken away; 1 and the first bad one where that is not so.

    [dim]mainstay audit verify --app app.py --anchors anchors.jsonl[/dim]
    """
    kept = _read(anchors)

    async def work(running: Mainstay) -> tuple[list[Any], int, bool]:
        chain = None if tenant is None else await _chain(running, tenant, system=False)
        settled, found = await running.rooms.audit.settle(), await running.rooms.audit.verify(chain, kept)
        return list(found), await running.rooms.audit.waiting(), settled

    verdicts, waiting, settled = opened(load(app).app, work)
    out = Output(as_json)
    told = [
        {"chain": str(v.chain), "entries": v.entries, "holds": v.holds, "broken_at": v.broken_at, "why": v.why}
        for v in verdicts
    ]
    out.answer({"holds": all(v.holds for v in verdicts), "waiting": waiting, "chains": told})
    for each in verdicts:
        state = (
            "[green]holds[/]" if each.holds else f"[bold red]broken at {each.broken_at}[/]: {escape(each.why or '')}"
        )
        out.say(f"{_named(each.chain)}  {each.entries} entries  {state}")
    broken = [each for each in verdicts if not each.holds]
    if broken:
        first = broken[0]
        raise Refused(f"the chain {first.chain} is broken at entry {first.broken_at}: {first.why}.")
    refuse_unsettled(settled)


@audit.command("list")
def show(
    app: AppOption = DEFAULT,
    tenant: InTenant = None,
    system: System = False,
    user: User = None,
    name: Name = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """Show entries, newest first.

    [dim]mainstay audit list --app app.py --user ada@example.com --since 7d[/dim]
    """

    async def work(running: Mainstay) -> tuple[list[dict[str, Any]], bool]:
        settled = await running.rooms.audit.settle()
        chain = await _chain(running, tenant, system=system)
        wanted = await _filter(running, user, name, since, until)
        return await running.rooms.audit.entries.page(chain, wanted, limit), settled

    found, settled = opened(load(app).app, work)
    out = Output(as_json)
    out.answer(found)
    rows = [
        [
            str(each["seq"]),
            each["at"][:19],
            each["name"],
            each["actor_id"] or "",
            each["user_id"] or each["subject"] or "",
            escape(str(each["origin"].get("address") or each["origin"].get("by") or "")),
        ]
        for each in found
    ]
    out.table(["", "when", "what", "who", "about", "from"], rows)
    refuse_unsettled(settled)


@audit.command("export")
def export(
    app: AppOption = DEFAULT,
    tenant: InTenant = None,
    system: System = False,
    user: User = None,
    name: Name = None,
    since: Since = None,
    until: Until = None,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Write entries as JSON lines, newest first.

    [dim]mainstay audit export --app app.py --since 30d --out audit.jsonl[/dim]
    """

    async def work(running: Mainstay) -> tuple[int, bool]:
        settled = await running.rooms.audit.settle()
        chain = await _chain(running, tenant, system=system)
        entries = running.rooms.audit.entries.every(chain, await _filter(running, user, name, since, until))
        return await _write(entries, out), settled

    count, settled = opened(load(app).app, work)
    if out is not None:
        said = Output(as_json)
        said.answer({"entries": count, "file": str(out)})
        said.say(f"{count} entries are in {escape(str(out))}.")
    refuse_unsettled(settled)


@audit.command("anchor")
def anchor(app: AppOption = DEFAULT, out: Out = None, as_json: AsJson = False) -> None:
    """Tell the newest entry of every chain, to be kept where nobody who writes the database can.

    [dim]mainstay audit anchor --app app.py --out anchors.jsonl[/dim]
    """

    async def work(running: Mainstay) -> tuple[list[Mark], bool]:
        settled = await running.rooms.audit.settle()
        return await running.rooms.audit.anchors(), settled

    at = datetime.now(UTC).isoformat(timespec="seconds")
    found, settled = opened(load(app).app, work)
    told = [{"chain": str(each.chain), "seq": each.seq, "hash": each.hash, "at": at} for each in found]
    if out is not None:
        with out.open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(each) + "\n" for each in told)
    said = Output(as_json)
    said.answer(told)
    said.table(["chain", "entry", "hash"], [[_named(each.chain), str(each.seq), each.hash] for each in found])
    refuse_unsettled(settled)


@audit.command("prune")
def prune(
    before: Annotated[str, typer.Option("--before", help="A moment (2026-05-01), or 365d ago.")],
    app: AppOption = DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Delete entries older than a moment; a sealed checkpoint stays, so that the rest can still be proved.

    [dim]mainstay audit prune --app app.py --before 365d[/dim]
    """
    moment = _moment(before)

    async def work(running: Mainstay) -> tuple[dict[UUID, int], bool]:
        audit = running.rooms.audit
        settled = await audit.settle()
        await audit.write_down(audit.now("audit.pruned", details={"before": moment.isoformat()}))
        return await audit.prune(moment), settled

    gone, settled = opened(load(app).app, work)
    out = Output(as_json)
    out.answer({str(chain): count for chain, count in gone.items()})
    out.say(f"{sum(gone.values())} entries of {len(gone)} chains are gone.")
    refuse_unsettled(settled)


def refuse_unsettled(settled: bool) -> None:
    """After the answer, which holds what is chained so far."""
    if not settled:
        raise Refused(
            "deeds wait to be chained, and are not in this: the process that holds the lock does not get on.",
            fix="End the process of this app that hangs; another goes on within seconds. Then run this again.",
        )


async def _chain(running: Mainstay, tenant: str | None, *, system: bool) -> UUID:
    if system:
        return SYSTEM_CHAIN
    found = await running.rooms.tenancy.get(tenant or DEFAULT_TENANT)
    if found is None:
        raise Refused(f"there is no tenant {tenant}.", fix="mainstay tenants list shows which there are.")
    return found.id


async def _filter(
    running: Mainstay, user: str | None, name: str | None, since: str | None, until: str | None
) -> Filter:
    return Filter(
        None if user is None else await _user(running, user),
        name,
        since=None if since is None else _moment(since),
        until=None if until is None else _moment(until),
    )


async def _user(running: Mainstay, named: str) -> UUID:
    try:
        return UUID(named)
    except ValueError:
        found = await running.rooms.identity.find_user(named)
    if found is None:
        raise Refused(f"there is no user {named}.", fix="Give the id of somebody who was erased.")
    return found.id


def _moment(text: str) -> datetime:
    if text[:-1].isdigit() and text[-1:] in _UNITS:
        return datetime.now(UTC) - timedelta(**{_UNITS[text[-1]]: int(text[:-1])})
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no moment: write 2026-05-01, 2026-05-01T12:00:00Z or 7d") from None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _read(anchors: Path | None) -> list[Mark]:
    if anchors is None:
        return []
    try:
        told = [json.loads(line) for line in anchors.read_text(encoding="utf-8").splitlines() if line.strip()]
        return [Mark(UUID(each["chain"]), int(each["seq"]), str(each["hash"])) for each in told]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Refused(f"{anchors} holds no anchors: {error}.", fix="mainstay audit anchor --out writes them.") from None


async def _write(entries: AsyncIterator[dict[str, Any]], out: Path | None) -> int:
    count = 0
    file = sys.stdout if out is None else out.open("w", encoding="utf-8")
    try:
        async for each in entries:
            file.write(json.dumps(each, ensure_ascii=False) + "\n")
            count += 1
    finally:
        if out is not None:
            file.close()
    return count


def _named(chain: UUID) -> str:
    return "system" if chain == SYSTEM_CHAIN else str(chain)
