"""`mainstay users reset-factors`: for somebody who has lost them."""

from typing import Annotated, Any

import typer
from rich.markup import escape

from mainstay.assembly import Mainstay, load
from mainstay.base.tenant import DEFAULT_TENANT
from mainstay.cli.frame.act import opened
from mainstay.cli.frame.ending import Refused
from mainstay.cli.frame.load import DEFAULT, AppOption
from mainstay.cli.frame.output import AsJson, Output
from mainstay.identity.administration import Administrator

Email = Annotated[str, typer.Option("--email", "-e", help="Whose.")]


def reset_factors(email: Email, app: AppOption = DEFAULT, as_json: AsJson = False) -> None:
    """Take every second factor from an account. Its sessions end, and a letter tells its user.

    Be sure who asked: whoever has the password signs in with it alone from now on.

    [dim]mainstay users reset-factors --app app.py --email ada@example.com[/dim]
    """
    told = opened(load(app).app, lambda running: _run(running, email))
    out = Output(as_json)
    out.answer(told)
    out.say(
        f"[bold green]{escape(told['email'])}[/] has no second factor any more."
        if told["reset"]
        else f"{escape(told['email'])} had no second factor."
    )


async def _run(app: Mainstay, email: str) -> dict[str, Any]:
    identity = app.rooms.identity
    user = await identity.find_user(email)
    if user is None:
        raise Refused(f"there is no user {email}.", fix="mainstay users list shows who there is.")
    by = Administrator(None, DEFAULT_TENANT, frozenset(), frozenset())
    return {"id": str(user.id), "email": user.email, "reset": await identity.factors.reset(by, user.id)}
