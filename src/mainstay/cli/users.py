"""`mainstay users`: make accounts, bring them from elsewhere, see which there are."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from mainstay.assembly import Mainstay, load
from mainstay.base.tenant import DEFAULT_TENANT
from mainstay.cli.accounts.change_users import activate, deactivate, grant, take
from mainstay.cli.accounts.create_user import Roles, create
from mainstay.cli.accounts.import_users import import_users
from mainstay.cli.accounts.let_in import invite, reset_link, set_password, sign_out
from mainstay.cli.accounts.reset_factors import reset_factors
from mainstay.cli.frame.act import InTenant, opened
from mainstay.cli.frame.ending import Exit
from mainstay.cli.frame.load import DEFAULT, AppOption
from mainstay.cli.frame.output import AsJson, Output
from mainstay.cli.personal_data import erase_user, export_user

users = typer.Typer(
    no_args_is_help=True, help="Users: create, import, invite, list, change, let in, sign out, export, erase."
)

FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="users.csv or users.jsonl.")]


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


users.command("create")(create)
users.command("grant")(grant)
users.command("take")(take)
users.command("activate")(activate)
users.command("deactivate")(deactivate)
users.command("invite")(invite)
users.command("set-password")(set_password)
users.command("reset-link")(reset_link)
users.command("sign-out")(sign_out)
users.command("reset-factors")(reset_factors)
users.command("export")(export_user)
users.command("erase")(erase_user)


async def _list(app: Mainstay) -> list[dict[str, Any]]:
    members = {each.user_id: each.roles for each in await app.rooms.tenancy.members(DEFAULT_TENANT)}
    found, offset = [], 0
    while page := await app.rooms.identity.list_users(500, offset):
        offset += len(page)
        found += [{"id": str(each.id), "email": each.email, "roles": sorted(members.get(each.id, ()))} for each in page]
    return found
