"""`mainstay tenants`: make tenants, see which there are, say what they ask of their members."""

from typing import Annotated, Any

import typer
from rich.markup import escape

from mainstay.assembly import Mainstay, load
from mainstay.cli.frame.act import opened
from mainstay.cli.frame.ending import Refused
from mainstay.cli.frame.load import DEFAULT, AppOption
from mainstay.cli.frame.output import AsJson, Output

tenants = typer.Typer(no_args_is_help=True, help="Tenants: create, list, second-factor.")

Name = Annotated[str, typer.Argument(help="What people call it.")]
Slug = Annotated[str | None, typer.Option("--slug", help="Its short name in requests; made from the name otherwise.")]
Named = Annotated[str, typer.Argument(metavar="TENANT", help="Its id or slug.")]
Required = Annotated[bool, typer.Option("--required/--optional", help="Whether its members need one.")]


@tenants.command("create")
def create(name: Name, app: AppOption = DEFAULT, slug: Slug = None, as_json: AsJson = False) -> None:
    """Create a tenant.

    [dim]mainstay tenants create "Acme Limited" --slug acme --app app.py[/dim]
    """

    async def work(running: Mainstay) -> dict[str, Any]:
        made = await running.rooms.tenancy.create(name, slug)
        return {"id": str(made.id), "slug": made.slug, "name": made.name}

    loaded = load(app)
    made = opened(loaded.app, work)
    out = Output(as_json)
    out.answer(made)
    out.say(f"[bold green]{escape(made['name'])}[/] is there, as {made['slug']} ({made['id']}).")
    if loaded.app.settings.tenant_from == "default":
        out.say("Requests do not name a tenant yet: set MAINSTAY_TENANT_FROM to token or header.")


@tenants.command("list")
def show(app: AppOption = DEFAULT, as_json: AsJson = False) -> None:
    """List tenants.

    [dim]mainstay tenants list --app app.py[/dim]
    """

    async def work(running: Mainstay) -> list[dict[str, Any]]:
        found = await running.rooms.tenancy.list()
        return [
            {
                "id": str(t.id),
                "slug": t.slug,
                "name": t.name,
                "suspended": t.suspended,
                "second_factor_required": t.second_factor,
            }
            for t in found
        ]

    found = opened(load(app).app, work)
    out = Output(as_json)
    out.answer(found)
    rows = [[t["slug"], escape(t["name"]), _about(t), t["id"]] for t in found]
    out.table(["slug", "name", "", "id"], rows)


@tenants.command("second-factor")
def second_factor(tenant: Named, app: AppOption = DEFAULT, required: Required = True, as_json: AsJson = False) -> None:
    """Require a second factor of a tenant's members, or no longer, within a second in every process that runs.

    Members who have shown none hold no role there before they have added one.

    [dim]mainstay tenants second-factor acme --required --app app.py[/dim]
    """

    async def work(running: Mainstay) -> dict[str, Any]:
        found = await running.rooms.tenancy.get(tenant)
        if found is None:
            raise Refused(f"there is no tenant {tenant}.", fix="mainstay tenants list shows which there are.")
        changed = await running.rooms.identity.factors.demand(found.id, required)
        return {"id": str(found.id), "slug": found.slug, "second_factor_required": required, "changed": changed}

    told = opened(load(app).app, work)
    out = Output(as_json)
    out.answer(told)
    word = "need" if required else "do not need"
    out.say(f"Members of [bold green]{escape(told['slug'])}[/] {word} a second factor.")


def _about(tenant: dict[str, Any]) -> str:
    told = ["suspended"] if tenant["suspended"] else []
    return ", ".join([*told, "second factor"] if tenant["second_factor_required"] else told)
