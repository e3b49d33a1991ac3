"""`mainstay tenants`: make tenants, see which there are."""

from typing import Annotated, Any

import typer
from rich.markup import escape

from mainstay.assembly import Mainstay, load
from mainstay.cli.frame.act import opened
from mainstay.cli.frame.load import DEFAULT, AppOption
from mainstay.cli.frame.output import AsJson, Output

tenants = typer.Typer(no_args_is_help=True, help="Tenants: create, list.")

Name = Annotated[str, typer.Argument(help="What people call it.")]
Slug = Annotated[str | None, typer.Option("--slug", help="Its short name in requests; made from the name otherwise.")]


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
        return [{"id": str(t.id), "slug": t.slug, "name": t.name, "suspended": t.suspended} for t in found]

    found = opened(load(app).app, work)
    out = Output(as_json)
    out.answer(found)
    rows = [[t["slug"], escape(t["name"]), "suspended" if t["suspended"] else "", t["id"]] for t in found]
    out.table(["slug", "name", "", "id"], rows)
