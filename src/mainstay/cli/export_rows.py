"""`mainstay export`: a resource's rows into a file that `mainstay import` reads back."""

from pathlib import Path
from time import perf_counter
from typing import Annotated

import typer
from rich.markup import escape

from mainstay.assembly import Mainstay, load
from mainstay.cli.frame.act import AsEmail, InTenant, opened
from mainstay.cli.frame.load import AppArgument
from mainstay.cli.frame.output import AsJson, Output
from mainstay.cli.frame.resource import ResourceArgument, require_resource
from mainstay.resources.transfer import ExportReport, Progress
from mainstay.resources.transfer import export_rows as export_to

FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="rows.csv, rows.json or rows.ndjson.")]


def export_rows(
    app: AppArgument,
    resource: ResourceArgument,
    file: FileArgument,
    as_email: AsEmail = None,
    tenant: InTenant = None,
    as_json: AsJson = False,
) -> None:
    """Export the rows that the caller may read, in the order of their ids. FILE appears once it is complete.

    [dim]mainstay export app.py books books.csv[/dim]
    """
    loaded = load(app)
    out = Output(as_json)
    started = perf_counter()
    with out.progress() as bar:
        task = bar.add_task(f"{escape(resource)} into {escape(file.name)}", rows="", total=None)

        def show(now: Progress) -> None:
            bar.update(task, completed=now.done, total=now.size or None, rows=f"{now.done:,} rows")

        async def work(running: Mainstay) -> ExportReport:
            name = require_resource(running, resource)
            caller = await running.rooms.operator(tenant, as_email)
            return await export_to(running.rooms.records, caller, name, file, progress=show)

        done = opened(loaded.app, work)
    seconds = perf_counter() - started
    out.answer({"rows": done.rows, "file": str(file)})
    out.say(f"[bold green]{escape(resource)}[/]: {done.rows:,} rows in {escape(str(file))} in {seconds:.1f} s.")
