"""`mainstay explain`: why a user may do something, or may not."""

from enum import StrEnum
from typing import Annotated, Any

import typer
from rich.markup import escape

from mainstay.access.policy import explain as explain_rule
from mainstay.access.policy import fold
from mainstay.assembly import Mainstay, load
from mainstay.base.actor import ANONYMOUS
from mainstay.base.context import Caller
from mainstay.cli.explaining import AnyRow, without_row
from mainstay.cli.frame.act import InTenant, opened
from mainstay.cli.frame.load import AppArgument
from mainstay.cli.frame.output import AsJson, Output
from mainstay.cli.frame.resource import ResourceArgument, require_resource


class Action(StrEnum):
    """What somebody may want to do."""

    read = "read"
    create = "create"
    update = "update"
    delete = "delete"


ActionArgument = Annotated[Action, typer.Argument(metavar="ACTION", help="read, create, update or delete.")]
As = Annotated[str | None, typer.Option("--as", metavar="EMAIL", help="The user; without it, somebody not signed in.")]
Id = Annotated[str | None, typer.Option("--id", help="The row; without it, what holds for all rows.")]
WORDS = {True: "[bold green]yes[/]", False: "[bold red]no[/]", None: "[bold yellow]it depends on the row[/]"}


def explain(
    app: AppArgument,
    resource: ResourceArgument,
    action: ActionArgument,
    as_email: As = None,
    id: Id = None,
    tenant: InTenant = None,
    as_json: AsJson = False,
) -> None:
    """Say whether a user may read, create, update or delete, and which part of the rule says so.

    [dim]mainstay explain app.py books update --as ada@example.com --id 0190…[/dim]
    """
    out = Output(as_json)
    found = opened(load(app).app, lambda running: _explain(running, resource, action, as_email, id, tenant))
    out.answer(found)
    who = escape(as_email or "somebody not signed in")
    out.say(f"May {who} {action} {resource}{f' {escape(id)}' if id else ''}? {WORDS[found['allowed']]}.")
    if found["roles"]:
        out.say(f"[dim]roles here: {', '.join(found['roles'])}[/]")
    for line in found["rule"]:
        out.say(f"  {escape(line)}")
    if found["step_up"]:
        by = f" by {', '.join(found['step_up']['methods'])}" if found["step_up"]["methods"] else ""
        out.say(f"Whom that admits has to have proved it within {found['step_up']['max_age']} seconds{by}.")


async def _explain(
    app: Mainstay, resource: str, action: Action, email: str | None, id: str | None, tenant: str | None
) -> dict[str, Any]:
    name = require_resource(app, resource)
    caller = await app.rooms.operator(tenant, email)
    if email is None:
        caller = Caller(ANONYMOUS, caller.scope, caller.request_id)
    rule = app.rooms.registry[name].access.rule(action)
    if id is None:
        verdict = fold(rule, caller.actor).verdict
        tree = without_row(explain_rule(rule, caller.actor, AnyRow(), AnyRow()))
    else:
        row, related = await app.rooms.records[name].stored(caller, id, rule)
        tree = explain_rule(rule, caller.actor, row, related)
        verdict = tree.outcome is True
    proof = app.rooms.records[name].proof(action)
    return {
        "resource": name,
        "action": str(action),
        "user": email,
        "roles": sorted(caller.actor.roles),
        "id": id,
        "allowed": verdict,
        "rule": list(tree.lines()),
        "step_up": None if proof is None else {"max_age": proof.max_age, "methods": sorted(proof.methods)},
    }
