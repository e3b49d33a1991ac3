"""`mainstay limits`: see and set how many requests callers may make, while the app runs."""

from typing import Annotated, Any

import typer
from rich.markup import escape

from mainstay.assembly import Mainstay, load
from mainstay.cli.frame.act import opened
from mainstay.cli.frame.ending import Refused
from mainstay.cli.frame.load import DEFAULT, AppOption
from mainstay.cli.frame.output import AsJson, Output

limits = typer.Typer(no_args_is_help=True, help="Limits: show, set, off, reset; tiers: give, take, given.")

Tiers = Annotated[
    list[str], typer.Option("--tier", "-t", metavar="NAME=RATE", help="free=200/hour; free=unlimited. Several times.")
]
Routes = Annotated[
    list[str], typer.Option("--route", "-r", metavar="ROUTE=RATE", help="'POST /reports=5/minute'. Several times.")
]
Tier = Annotated[str, typer.Argument(help="One of the app's tiers.")]
OfTenant = Annotated[str, typer.Option("--tenant", metavar="SLUG", help="Whose members.")]
OfUser = Annotated[str | None, typer.Option("--user", metavar="EMAIL", help="One of them alone.")]
DEFAULT_SLUG = "default"


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
    """Set rates over those of the settings and those set before, on every running process within a second.

    [dim]mainstay limits set --tier free=200/hour --route "POST /reports=5/minute" --app app.py[/dim]
    """
    tiers = {name: None if rate == "unlimited" else rate for name, rate in _pairs(tier)}
    routes = dict(_pairs(route))
    if not tiers and not routes:
        raise typer.BadParameter("give --tier or --route")

    async def work(running: Mainstay) -> dict[str, Any]:
        return await running.rooms.live_limits.add(tiers, routes)

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


@limits.command("give")
def give(
    tier: Tier, app: AppOption = DEFAULT, tenant: OfTenant = DEFAULT_SLUG, user: OfUser = None, as_json: AsJson = False
) -> None:
    """Give a tier to all members of a tenant, or to one of them, on every running process within a second.

    [dim]mainstay limits give premium --tenant acme --user ada@example.com --app app.py[/dim]
    """

    async def work(running: Mainstay) -> dict[str, Any]:
        running.rooms.live_limits.require_tier(tier)
        return await _put(running, tier, tenant, user)

    found = opened(load(app).app, work)
    Output(as_json).answer(found)
    Output(as_json).say(f"{escape(user or 'Every member')} is in [bold]{escape(tier)}[/] in {escape(tenant)}.")


@limits.command("take")
def take(
    app: AppOption = DEFAULT, tenant: OfTenant = DEFAULT_SLUG, user: OfUser = None, as_json: AsJson = False
) -> None:
    """Take back the tier that was given to a tenant, or to one of its members.

    [dim]mainstay limits take --tenant acme --app app.py[/dim]
    """
    found = opened(load(app).app, lambda running: _put(running, None, tenant, user))
    Output(as_json).answer(found)
    Output(as_json).say(f"No tier is given to {escape(user or 'the members')} in {escape(tenant)}.")


@limits.command("given")
def given(app: AppOption = DEFAULT, as_json: AsJson = False) -> None:
    """List the tiers that were given to tenants and users.

    [dim]mainstay limits given --app app.py --json[/dim]
    """

    async def work(running: Mainstay) -> list[dict[str, Any]]:
        rooms = running.rooms
        slugs = {each.id: each.slug for each in await rooms.tenancy.list()}
        found = []
        for tenant, user_id, tier in rooms.tiers.given():
            known = None if user_id is None else await rooms.identity.get_user(user_id)
            found.append(
                {
                    "tenant": slugs.get(tenant, str(tenant)),
                    "user": None if user_id is None else str(user_id) if known is None else known.email,
                    "tier": tier,
                }
            )
        return found

    found = opened(load(app).app, work)
    out = Output(as_json)
    out.answer(found)
    out.table(
        ["tenant", "user", "tier"],
        [[escape(e["tenant"]), escape(e["user"] or "all members"), escape(e["tier"])] for e in found],
    )


async def _put(running: Mainstay, tier: str | None, named: str, email: str | None) -> dict[str, Any]:
    rooms = running.rooms
    tenant = await rooms.tenancy.get(named)
    if tenant is None:
        raise Refused(f"There is no tenant {named!r}.", fix="See which there are: mainstay tenants list.")
    user = None if email is None else await rooms.identity.find_user(email)
    if email is not None and (user is None or await rooms.tenancy.roles_of(user.id, tenant.id) is None):
        raise Refused(f"{named} has no member {email}.", fix=f"See who is: mainstay users list --tenant {named}.")
    await rooms.tiers.put(tier, tenant.id, None if user is None else user.id)
    return {"tenant": tenant.slug, "user": email, "tier": tier}


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
