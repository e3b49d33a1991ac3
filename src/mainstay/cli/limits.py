"""`mainstay limits`: see and set how many requests callers may make, while the app runs."""

from typing import Annotated, Any

import typer
from rich.markup import escape

from mainstay.assembly import Mainstay, load
from mainstay.cli.frame.act import opened
from mainstay.cli.frame.load import DEFAULT, AppOption
from mainstay.cli.frame.output import AsJson, Output

limits = typer.Typer(no_args_is_help=True, help="Limits: show, set, off, reset.")

Tiers = Annotated[
    list[str], typer.Option("--tier", "-t", metavar="NAME=RATE", help="free=200/hour; free=unlimited. Several times.")
]
Routes = Annotated[
    list[str], typer.Option("--route", "-r", metavar="ROUTE=RATE", help="'POST /reports=5/minute'. Several times.")
]


@limits.command("show")
def show(app: AppOption = DEFAULT, as_json: AsJson = False) -> None:
    """Show the limits that hold.

    [dim]mainstay limits show --app app.py[/dim]
    """

    async def work(running: Mainstay) -> dict[str, Any]:
        return running.rooms.live_limits.described()

    _say(opened(load(app).app, work), as_json)


@limits.command("set")
def change(
    app: AppOption = DEFAULT,
    tier: Tiers = [],  # noqa: B006  Typer wants the default itself, and nobody changes it
    route: Routes = [],  # noqa: B006  likewise
    as_json: AsJson = False,
) -> None:
    """Set rates over those of the settings, on every running process within a second.

    [dim]mainstay limits set --tier free=200/hour --route "POST /reports=5/minute" --app app.py[/dim]
    """
    tiers = {name: None if rate == "unlimited" else rate for name, rate in _pairs(tier)}
    routes = dict(_pairs(route))
    if not tiers and not routes:
        raise typer.BadParameter("give --tier or --route")

    async def work(running: Mainstay) -> dict[str, Any]:
        return await running.rooms.live_limits.set(True, tiers, routes)

    _say(opened(load(app).app, work), as_json)


@limits.command("off")
def stop(app: AppOption = DEFAULT, as_json: AsJson = False) -> None:
    """Stop counting requests.

    [dim]mainstay limits off --app app.py[/dim]
    """

    async def work(running: Mainstay) -> dict[str, Any]:
        return await running.rooms.live_limits.set(False)

    _say(opened(load(app).app, work), as_json)


@limits.command("reset")
def reset(app: AppOption = DEFAULT, as_json: AsJson = False) -> None:
    """Go by the settings and the app again.

    [dim]mainstay limits reset --app app.py[/dim]
    """

    async def work(running: Mainstay) -> dict[str, Any]:
        return await running.rooms.live_limits.reset()

    _say(opened(load(app).app, work), as_json)


def _pairs(given: list[str]) -> list[tuple[str, str]]:
    found = []
    for each in given:
        name, equals, rate = each.rpartition("=")
        if not (name and equals and rate):
            raise typer.BadParameter(f"{each!r} is not NAME=RATE")
        found.append((name, rate))
    return found


def _say(found: dict[str, Any], as_json: bool) -> None:
    out = Output(as_json)
    out.answer(found)
    if not found["on"]:
        out.say("Requests are [bold]not counted[/].")
        return
    rows = [[escape(name), rate or "unlimited"] for name, rate in found["tiers"].items()]
    out.table(["tier or route", "rate"], [*rows, *([escape(name), rate] for name, rate in found["routes"].items())])
