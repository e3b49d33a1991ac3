"""`mainstay import`: rows of a file into a resource; what is refused is written to a report."""

import json
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any

import typer
from rich.markup import escape
from sqlalchemy import Connection

from mainstay.assembly import Mainstay, load
from mainstay.cli.frame.act import AsEmail, InTenant, opened
from mainstay.cli.frame.ending import Exit
from mainstay.cli.frame.load import AppArgument
from mainstay.cli.frame.output import AsJson, Output
from mainstay.cli.frame.resource import ResourceArgument, require_resource
from mainstay.resources.transfer import ImportReport, Progress
from mainstay.resources.transfer import import_rows as import_from

FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="rows.csv, rows.json or rows.ndjson.")]
FIRST_REASONS = 3


def import_rows(
    app: AppArgument,
    resource: ResourceArgument,
    file: FileArgument,
    as_email: AsEmail = None,
    tenant: InTenant = None,
    as_json: AsJson = False,
) -> None:
    """Import rows. Ids in the file are kept; a second run leaves rows that are there already as they are.

    Rows that are refused are written to FILE.refused.ndjson with their line and reason, the rest go in; the exit code
    is then 1.

    [dim]mainstay import app.py books books.csv --as ada@example.com[/dim]
    """
    loaded = load(app)
    out = Output(as_json)
    started = perf_counter()
    with out.progress() as bar:
        task = bar.add_task(f"{escape(resource)} from {escape(file.name)}", rows="", total=None)

        def show(now: Progress) -> None:
            bar.update(task, completed=now.position, total=now.size, rows=f"{now.done:,} rows")

        async def work(running: Mainstay) -> ImportReport:
            name = require_resource(running, resource)
            caller = await running.rooms.operator(tenant, as_email)
            done = await import_from(running.rooms.records, caller, name, file, progress=show)
            if done.created:
                await _look_at_rows(running, name)
            return done

        done = opened(loaded.app, work)
    _tell(out, resource, file, done, perf_counter() - started)
    if done.refused:
        raise typer.Exit(Exit.refused)


async def _look_at_rows(app: Mainstay, name: str) -> None:
    """Tell PostgreSQL's planner what it holds now: on a table that was empty a moment ago it guesses badly.

    SQLite's has been told of a large table already (storage/migrations/expectations.py).
    """
    if app.rooms.database.name == "sqlite":
        return
    table = app.rooms.registry[name].spec.table.name

    def analyze(connection: Connection) -> None:
        connection.exec_driver_sql(f"ANALYZE {connection.dialect.identifier_preparer.quote_identifier(table)}")

    await app.rooms.database.administer(analyze)


def _tell(out: Output, resource: str, file: Path, done: ImportReport, seconds: float) -> None:
    told: dict[str, Any] = {"created": done.created, "updated": done.updated, "unchanged": done.unchanged}
    report = done.refusals_file
    out.answer({**told, "refused": done.refused, "report": str(report) if report else None})
    out.say(f"[bold green]{escape(resource)}[/]: {done.created:,} rows from {escape(file.name)} in {seconds:.1f} s.")
    if done.updated:
        out.say(f"{done.updated:,} changed.")
    if done.unchanged:
        out.say(f"{done.unchanged:,} were there already.")
    if report:
        out.say(f"[bold red]{done.refused:,} refused[/]; {escape(str(report))} says why. The first of them:")
        for line in _first_reasons(report):
            out.say(f"  {escape(line)}")


def _first_reasons(report: Path) -> list[str]:
    with report.open(encoding="utf-8") as lines:
        first = [json.loads(line) for line, _ in zip(lines, range(FIRST_REASONS), strict=False)]
    return [f"line {each['line']}: {each['reason']}" for each in first]
