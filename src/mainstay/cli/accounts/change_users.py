"""`mainstay users grant, take, activate, deactivate`: what administrators do, from the command line."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any
from uuid import UUID

import typer
from rich.markup import escape

from mainstay.assembly import Mainstay, load
from mainstay.base.tenant import DEFAULT_TENANT
from mainstay.cli.frame.act import InTenant, opened
from mainstay.cli.frame.ending import Refused
from mainstay.cli.frame.load import DEFAULT, AppOption
from mainstay.cli.frame.output import AsJson, Output
from mainstay.identity.administration import Administration, Administrator

Email = Annotated[str, typer.Option("--email", "-e", help="Whose.")]
Role = Annotated[str, typer.Option("--role", "-r", help="The role.")]
Change = Callable[[Administration, Administrator, UUID], Awaitable[Any]]


def grant(email: Email, role: Role, app: AppOption = DEFAULT, tenant: InTenant = None, as_json: AsJson = False) -> None:
    """Give a member one role more, within a second in every process that runs.

    [dim]mainstay users grant --app app.py --email ada@example.com --role moderator[/dim]
    """
    _change(app, email, tenant, as_json, lambda rooms, by, user: rooms.grant(by, user, role))


def take(email: Email, role: Role, app: AppOption = DEFAULT, tenant: InTenant = None, as_json: AsJson = False) -> None:
    """Take a role from a member; not the last administrator's.

    [dim]mainstay users take --app app.py --email ada@example.com --role moderator[/dim]
    """
    _change(app, email, tenant, as_json, lambda rooms, by, user: rooms.take(by, user, role))


def activate(email: Email, app: AppOption = DEFAULT, as_json: AsJson = False) -> None:
    """Open an account that was shut.

    [dim]mainstay users activate --app app.py --email ada@example.com[/dim]
    """
    _change(app, email, None, as_json, lambda rooms, by, user: rooms.set_active(by, user, True))


def deactivate(email: Email, app: AppOption = DEFAULT, as_json: AsJson = False) -> None:
    """Shut an account: its sessions end, and nothing of it is accepted a second later.

    [dim]mainstay users deactivate --app app.py --email ada@example.com[/dim]
    """
    _change(app, email, None, as_json, lambda rooms, by, user: rooms.set_active(by, user, False))


def _change(app: str, email: str, tenant: str | None, as_json: bool, change: Change) -> None:
    told = opened(load(app).app, lambda running: _run(running, email, tenant, change))
    out = Output(as_json)
    out.answer(told)
    roles = ", ".join(told["roles"]) or "none"
    out.say(
        f"[bold green]{escape(told['email'])}[/] is {'active' if told['active'] else 'shut'}, with the roles {roles}."
    )


async def _run(app: Mainstay, email: str, tenant: str | None, change: Change) -> dict[str, Any]:
    rooms = app.rooms
    place = await rooms.tenancy.get(tenant or DEFAULT_TENANT)
    if place is None:
        raise Refused(f"there is no tenant {tenant}.", fix="mainstay tenants list shows which there are.")
    user = await rooms.identity.find_user(email)
    if user is None:
        raise Refused(f"there is no user {email}.", fix="mainstay users list shows who there is.")
    by = Administrator(None, place.id, frozenset(), frozenset())
    await change(rooms.identity.administration, by, user.id)
    account = await rooms.identity.administration.require(by, user.id)
    return {
        "id": str(account.id),
        "email": account.email,
        "active": account.active,
        "roles": sorted(account.roles or ()),
        "tenant": place.slug,
    }
