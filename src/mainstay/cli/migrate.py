"""`mainstay migrate`: bring the database up to date, or write down what that takes."""

import asyncio
import sys
from typing import Annotated

import typer
from rich.markup import escape

from mainstay.assembly import Loaded, load
from mainstay.cli.frame.ending import Exit
from mainstay.cli.frame.load import DEFAULT, AppArgument
from mainstay.cli.frame.output import AsJson, Output

Check = Annotated[bool, typer.Option("--check", help="Change nothing; exit code 1 when something is missing.")]
Sql = Annotated[bool, typer.Option("--sql", help="Print the SQL of all revisions, for somebody else to run.")]
Write = Annotated[
    bool, typer.Option("--write", help="Write the next revision into migrations/, to look over and commit.")
]
Message = Annotated[str, typer.Option("-m", "--message", help="What the revision does; part of its file's name.")]
To = Annotated[str | None, typer.Option("--to", metavar="REVISION", help="Up to this one of the app's revisions.")]
Down = Annotated[str | None, typer.Option("--down", metavar="REVISION", help="Back to this revision; -1: one back.")]


def migrate(
    app: AppArgument = DEFAULT,
    check: Check = False,
    sql: Sql = False,
    write: Write = False,
    message: Message = "change",
    to: To = None,
    down: Down = None,
    as_json: AsJson = False,
) -> None:
    """Bring the database up to date: Mainstay's own tables, and the app's.

    Without a folder migrations/ beside the app, what the classes declare and the database lacks is added; what would
    lose data is refused. With one, only the revisions in it are run: write the next with --write.

    [dim]mainstay migrate app.py --check || mainstay migrate app.py --write -m "add price"[/dim]
    """
    if sum(map(bool, (check, sql, write, to, down))) > 1:
        raise typer.BadParameter("give one of --check, --sql, --write, --to and --down")
    loaded, out = load(app), Output(as_json)
    if check:
        _check(loaded, out)
    elif sql:
        sys.stdout.write(asyncio.run(loaded.app.rooms.migrations.sql()))
    elif write:
        _write(loaded, out, message)
    elif down:
        asyncio.run(loaded.app.rooms.migrations.downgrade(down))
        out.answer({"at": down})
        out.say(f"The app's tables are back at {escape(down)}.")
    else:
        _upgrade(loaded, out, to)


def _check(loaded: Loaded, out: Output) -> None:
    missing = asyncio.run(loaded.app.rooms.migrations.check())
    out.answer({"up_to_date": not missing, "missing": missing})
    for step in missing:
        out.say(f"[yellow]missing[/] {escape(step)}")
    if missing:
        raise typer.Exit(Exit.refused)
    out.say("[bold green]up to date[/]")


def _write(loaded: Loaded, out: Output, message: str) -> None:
    path = asyncio.run(loaded.app.rooms.migrations.write(message))
    out.answer({"revision": str(path) if path else None})
    if path is None:
        out.say("Nothing differs, so there is nothing to write.")
    else:
        out.say(f"[bold green]{escape(str(path))}[/] is written: look it over, commit it, then run mainstay migrate.")


def _upgrade(loaded: Loaded, out: Output, to: str | None) -> None:
    done = asyncio.run(loaded.app.rooms.migrations.upgrade(to))
    out.answer({"done": done})
    for step in done:
        out.say(f"[green]done[/] {escape(step)}")
    out.say("[bold green]up to date[/]" if not to else f"The app's tables are at {escape(to)}.")
