"""`mainstay users`: make accounts, bring them from elsewhere, see which there are."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from mainstay.assembly import Mainstay, load
from mainstay.base.tenant import DEFAULT_TENANT
from mainstay.cli.accounts.change_users import activate, deactivate, grant, take
from mainstay.cli.accounts.import_users import import_users
from mainstay.cli.accounts.reset_factors import reset_factors
from mainstay.cli.frame.act import InTenant, opened
from mainstay.cli.frame.ending import Exit, Refused
from mainstay.cli.frame.load import DEFAULT, AppOption
from mainstay.cli.frame.output import AsJson, Output
from mainstay.cli.personal_data import erase_user, export_user

users = typer.Typer(no_args_is_help=True, help="Users: create, import, list, change, export, erase.")

Email = Annotated[str, typer.Option("--email", "-e", help="What the user signs in with.")]
Password = Annotated[
    str | None, typer.Option("--password", "-p", help="The password; others on this machine may see it while it runs.")
]
FromStdin = Annotated[bool, typer.Option("--password-stdin", help="Read the password from standard input.")]
FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="users.csv or users.jsonl.")]
Roles = Annotated[list[str], typer.Option("--role", "-r", help="A role; may be given several times. [default: user]")]


@users.command("create")
def create(
    email: Email,
    app: AppOption = DEFAULT,
    password: Password = None,
    password_stdin: FromStdin = False,
    role: Roles = [],  # noqa: B006  Typer wants the default itself, and nobody changes it
    tenant: InTenant = None,
    as_json: AsJson = False,
) -> None:
    """Create a user.

    [dim]mainstay users create --app app.py --email ada@example.com --password-stdin --role admin < password.txt[/dim]
    """
    secret = _password(password, password_stdin)
    roles = tuple(role) or ("user",)
    made = opened(load(app).app, lambda running: _create(running, email, secret, roles, tenant))
    out = Output(as_json)
    out.answer(made)
    out.say(f"[bold green]{escape(made['email'])}[/] is there, with {' and '.join(roles)}.")


@users.command("import")
def bring(
    file: FileArgument,
    app: AppOption = DEFAULT,
    role: Roles = [],  # noqa: B006  Typer wants the default itself, and nobody changes it
    tenant: InTenant = None,
    as_json: AsJson = False,
) -> None:
    """Import users, with the hashes of their passwords: Argon2 or bcrypt. Accounts that are there stay as they are.

    Columns: email, and if need be id, username, display_name, language, password_hash, email_verified, active,
    created_at.

    [dim]mainstay users import users.csv --app app.py --role user[/dim]
    """
    told = opened(load(app).app, lambda running: import_users(running, file, tuple(role), tenant))
    out = Output(as_json)
    out.answer(told)
    out.say(f"[bold green]{told['created']:,}[/] users came in; {told['known']:,} were there already.")
    for each in told["refused"][:20]:
        out.say(f"line {each['line']}: {escape(each['reason'])}")
    if told["refused"]:
        out.say(f"[bold red]{len(told['refused']):,}[/] lines were refused.")
        raise typer.Exit(Exit.refused)


@users.command("list")
def show(app: AppOption = DEFAULT, as_json: AsJson = False) -> None:
    """List users, those who came first at the head.

    [dim]mainstay users list --app app.py --json[/dim]
    """
    found = opened(load(app).app, _list)
    out = Output(as_json)
    out.answer(found)
    out.table(
        ["email", "roles", "id"], [[escape(each["email"]), ", ".join(each["roles"]), each["id"]] for each in found]
    )


users.command("grant")(grant)
users.command("take")(take)
users.command("activate")(activate)
users.command("deactivate")(deactivate)
users.command("reset-factors")(reset_factors)
users.command("export")(export_user)
users.command("erase")(erase_user)


def _password(given: str | None, from_stdin: bool) -> str:
    if given is not None and from_stdin:
        raise typer.BadParameter("give --password or --password-stdin, not both")
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if given is not None:
        return given
    if not sys.stdin.isatty():
        raise typer.BadParameter("give --password, or --password-stdin")
    return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))


async def _create(app: Mainstay, email: str, password: str, roles: Sequence[str], tenant: str | None) -> dict[str, Any]:
    rooms = app.rooms
    place = await rooms.tenancy.get(tenant or DEFAULT_TENANT)
    if place is None:
        raise Refused(f"there is no tenant {tenant}.", fix="mainstay tenants list shows which there are.")
    user = await rooms.identity.find_user(email) if tenant else None
    if user is None:
        user = await rooms.identity.create_user(email, password, roles, tenant=place.id)
    else:
        await rooms.tenancy.add_member(place.id, user.id, roles)
    return {"id": str(user.id), "email": user.email, "roles": sorted(roles), "tenant": place.slug}


async def _list(app: Mainstay) -> list[dict[str, Any]]:
    members = {each.user_id: each.roles for each in await app.rooms.tenancy.members(DEFAULT_TENANT)}
    found, offset = [], 0
    while page := await app.rooms.identity.list_users(500, offset):
        offset += len(page)
        found += [{"id": str(each.id), "email": each.email, "roles": sorted(members.get(each.id, ()))} for each in page]
    return found
