"""`mainstay maintenance`: turn callers away for a while, and let them in again."""

from typing import Annotated, Any

import typer
from rich.markup import escape

from mainstay.assembly import Mainstay, load
from mainstay.cli.frame.act import opened
from mainstay.cli.frame.load import DEFAULT, AppOption
from mainstay.cli.frame.output import AsJson, Output

maintenance = typer.Typer(no_args_is_help=True, help="Maintenance: on, off, status.")

Message = Annotated[str | None, typer.Option("--message", "-m", help="What callers are told.")]
RetryAfter = Annotated[
    int | None, typer.Option("--retry-after", min=1, max=604_800, help="After how many seconds they may ask again.")
]


@maintenance.command("on")
def begin(
    app: AppOption = DEFAULT, message: Message = None, retry_after: RetryAfter = None, as_json: AsJson = False
) -> None:
    """Answer everybody but administrators with 503, on every running process within a second.

    [dim]mainstay maintenance on --message "Back at noon" --retry-after 3600 --app app.py[/dim]
    """

    async def work(running: Mainstay) -> dict[str, Any]:
        await running.rooms.maintenance.begin(message, retry_after)
        return _status(running)

    _say(opened(load(app).app, work), as_json)


@maintenance.command("off")
def end(app: AppOption = DEFAULT, as_json: AsJson = False) -> None:
    """Let callers in again.

    [dim]mainstay maintenance off --app app.py[/dim]
    """

    async def work(running: Mainstay) -> dict[str, Any]:
        await running.rooms.maintenance.end()
        return _status(running)

    _say(opened(load(app).app, work), as_json)


@maintenance.command("status")
def status(app: AppOption = DEFAULT, as_json: AsJson = False) -> None:
    """Say whether callers are turned away.

    [dim]mainstay maintenance status --app app.py --json[/dim]
    """

    async def work(running: Mainstay) -> dict[str, Any]:
        return _status(running)

    _say(opened(load(app).app, work), as_json)


def _status(app: Mainstay) -> dict[str, Any]:
    downtime = app.rooms.maintenance.downtime
    if downtime is None:
        return {"on": False}
    return {"on": True, "message": downtime.message, "retry_after": downtime.retry_after}


def _say(found: dict[str, Any], as_json: bool) -> None:
    out = Output(as_json)
    out.answer(found)
    if found["on"]:
        out.say(f"Maintenance is [bold yellow]on[/]: {escape(found['message'])}")
        out.say(f"Callers may ask again after {found['retry_after']} seconds; administrators pass.")
    else:
        out.say("Maintenance is [bold green]off[/].")
