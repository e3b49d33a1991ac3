"""`mainstay users set-password, reset-link, invite, sign-out`: what lets somebody in, and what puts them out."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any
from uuid import UUID

import typer
from rich.markup import escape

from mainstay.assembly import Mainstay, load
from mainstay.base.tenant import DEFAULT_TENANT
from mainstay.cli.accounts.create_user import FromStdin, read_password
from mainstay.cli.frame.act import opened
from mainstay.cli.frame.ending import Refused
from mainstay.cli.frame.load import DEFAULT, AppOption
from mainstay.cli.frame.output import AsJson, Output
from mainstay.identity.administration import Administration, Administrator

Email = Annotated[str, typer.Option("--email", "-e", help="Whose.")]
Deed = Callable[[Administration, Administrator, UUID], Awaitable[Any]]


def set_password(
    email: Email, app: AppOption = DEFAULT, password_stdin: FromStdin = False, as_json: AsJson = False
) -> None:
    """Give somebody a password; their sessions end, second factors stay.

    It is read from standard input, or typed twice: never from the command line, which others on the machine can read.

    [dim]mainstay users set-password --app app.py --email ada@example.com --password-stdin < password.txt[/dim]
    """
    password = read_password(password_stdin, "give --password-stdin, and the password on standard input")
    told, _ = _done(app, email, lambda users, by, user: users.give_password(by, user, password))
    out = Output(as_json)
    out.answer(told)
    out.say(f"[bold green]{escape(told['email'])}[/] has this password from now on; every session has ended.")


def reset_link(email: Email, app: AppOption = DEFAULT, as_json: AsJson = False) -> None:
    """Print a link, good once, with which somebody chooses a new password: where no letter reaches them.

    Whoever has the link has the account, up to its second factor.

    [dim]mainstay users reset-link --app app.py --email ada@example.com[/dim]
    """
    told, link = _done(app, email, lambda users, by, user: users.reset_link(by, user))
    out = Output(as_json)
    out.answer({**told, "link": link})
    out.say("With this link, once and soon, a new password is chosen:")
    out.say(escape(link))


def invite(email: Email, app: AppOption = DEFAULT, as_json: AsJson = False) -> None:
    """Send the invitation anew to somebody whom an account was made for, and who has no password yet.

    [dim]mainstay users invite --app app.py --email ada@example.com[/dim]
    """
    told, _ = _done(app, email, lambda users, by, user: users.invite(by, user))
    out = Output(as_json)
    out.answer(told)
    out.say(f"A letter goes to [bold green]{escape(told['email'])}[/].")


def sign_out(email: Email, app: AppOption = DEFAULT, as_json: AsJson = False) -> None:
    """End every session of somebody, within a second in every process that runs. API keys stay.

    [dim]mainstay users sign-out --app app.py --email ada@example.com[/dim]
    """
    told, count = _done(app, email, lambda users, by, user: users.end_sessions(by, user))
    out = Output(as_json)
    out.answer({**told, "ended": count})
    out.say(f"[bold green]{count}[/] sessions of {escape(told['email'])} have ended.")


def _done(app: str, email: str, deed: Deed) -> tuple[dict[str, Any], Any]:
    async def work(running: Mainstay) -> tuple[dict[str, Any], Any]:
        identity = running.rooms.identity
        user = await identity.find_user(email)
        if user is None:
            raise Refused(f"there is no user {email}.", fix="mainstay users list shows who there is.")
        by = Administrator(None, DEFAULT_TENANT, frozenset(), frozenset())
        return {"id": str(user.id), "email": user.email}, await deed(identity.administration, by, user.id)

    return opened(load(app).app, work)
