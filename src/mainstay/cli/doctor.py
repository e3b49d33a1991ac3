"""`mainstay doctor`: what is well, what isn't, and what to do about it."""

import asyncio

import typer
from rich.markup import escape

from mainstay.assembly import Rooms, load
from mainstay.cli.diagnosis.database import look_at_database
from mainstay.cli.diagnosis.finding import Finding, State
from mainstay.cli.diagnosis.mail import look_at_mail
from mainstay.cli.diagnosis.settings import look_at_settings
from mainstay.cli.frame.ending import Exit
from mainstay.cli.frame.load import DEFAULT, AppArgument
from mainstay.cli.frame.output import AsJson, Output

MARKS = {State.ok: "[green]ok  [/]", State.warn: "[yellow]warn[/]", State.fail: "[bold red]fail[/]"}


async def _look(rooms: Rooms) -> list[Finding]:
    return [*await look_at_mail(rooms), *await look_at_database(rooms)]


def doctor(app: AppArgument = DEFAULT, as_json: AsJson = False) -> None:
    """Look at the settings, the database and the mail of an app. Changes nothing; exit code 1 when something fails.

    [dim]mainstay doctor app.py[/dim]
    """
    loaded, out = load(app), Output(as_json)
    found: list[Finding] = [*look_at_settings(loaded.app.settings), *asyncio.run(_look(loaded.app.rooms))]
    out.answer([{"state": str(each.state), "about": each.about, "found": each.found, "do": each.do} for each in found])
    for each in found:
        out.say(f"{MARKS[each.state]} [bold]{each.about}[/] {escape(each.found)}")
        if each.do:
            out.say(f"       [cyan]{escape(each.do)}[/]")
    if any(each.state is State.fail for each in found):
        raise typer.Exit(Exit.refused)
