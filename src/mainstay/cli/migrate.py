"""`mainstay migrate`: bring the database up to date, or write down what that takes."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import typer
from rich.markup import escape

from mainstay.assembly import Loaded, Rooms, load
from mainstay.cli.frame.ending import Exit
from mainstay.cli.frame.load import DEFAULT, AppArgument
from mainstay.cli.frame.output import AsJson, Output
from mainstay.storage import migrations

T = TypeVar("T")

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
        sys.stdout.write(_opened(loaded, lambda rooms: migrations.offline_sql(rooms.database, rooms.migrations)))
    elif write:
        _write(loaded, out, message)
    elif down:
        _opened(loaded, lambda rooms: migrations.downgrade(rooms.database, rooms.migrations, down))
        out.answer({"at": down})
        out.say(f"The app's tables are back at {escape(down)}.")
    else:
        _upgrade(loaded, out, to)


def _check(loaded: Loaded, out: Output) -> None:
    missing = _opened(loaded, lambda rooms: migrations.check(rooms.database, rooms.migrations))
    out.answer({"up_to_date": not missing, "missing": missing})
    for step in missing:
        out.say(f"[yellow]missing[/] {escape(step)}")
    if missing:
        raise typer.Exit(Exit.refused)
    out.say("[bold green]up to date[/]")


def _write(loaded: Loaded, out: Output, message: str) -> None:
    path = _opened(loaded, lambda rooms: migrations.write_revision(rooms.database, rooms.migrations, message))
    out.answer({"revision": str(path) if path else None})
    if path is None:
        out.say("Nothing differs, so there is nothing to write.")
    else:
        out.say(f"[bold green]{escape(str(path))}[/] is written: look it over, commit it, then run mainstay migrate.")


def _upgrade(loaded: Loaded, out: Output, to: str | None) -> None:
    async def work(rooms: Rooms) -> list[str]:
        if to:
            return await migrations.upgrade(rooms.database, rooms.migrations, to)
        return await migrations.migrate(rooms.database, rooms.migrations)

    done = _opened(loaded, work)
    out.answer({"done": done})
    for step in done:
        out.say(f"[green]done[/] {escape(step)}")
    out.say("[bold green]up to date[/]" if not to else f"The app's tables are at {escape(to)}.")


def _opened(loaded: Loaded, work: Callable[[Rooms], Awaitable[T]]) -> T:
    """Do this with the database open, and nothing else: it may be behind."""
    rooms = loaded.app.rooms

    async def run() -> T:
        await rooms.database.open()
        try:
            return await work(rooms)
        finally:
            await rooms.database.close()

    return asyncio.run(run())
