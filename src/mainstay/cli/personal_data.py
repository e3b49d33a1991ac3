"""`mainstay users export` and `mainstay users erase`: what is held about a person, told and given up."""

from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer
from rich.markup import escape

from mainstay.assembly import Mainstay, load
from mainstay.cli.audit import refuse_unsettled
from mainstay.cli.frame.act import opened
from mainstay.cli.frame.ending import Refused
from mainstay.cli.frame.load import DEFAULT, AppOption
from mainstay.cli.frame.output import AsJson, Output

Who = Annotated[str, typer.Argument(metavar="USER", help="The user's e-mail address or id.")]
Into = Annotated[Path | None, typer.Option("--out", "-o", help="The file: JSON, or a zip where it is large.")]
Sure = Annotated[bool, typer.Option("--yes", help="Do it without asking; it cannot be undone.")]


def export_user(user: Who, app: AppOption = DEFAULT, out: Into = None, as_json: AsJson = False) -> None:
    """Write down everything that is held about a person, in every room.

    [dim]mainstay users export ada@example.com --app app.py --out ada.json[/dim]
    """

    async def work(running: Mainstay) -> tuple[UUID, bytes]:
        found = await _require(running, user)
        return found, await running.rooms.export_person.pack(found)

    identifier, body = opened(load(app).app, work)
    path = out or Path(f"export-{identifier}.{'zip' if body[:2] == b'PK' else 'json'}")
    path.write_bytes(body)
    said = Output(as_json)
    said.answer({"user_id": str(identifier), "file": str(path), "bytes": len(body)})
    said.say(f"Everything that is held about {escape(user)} is in {escape(str(path))}.")


def erase_user(user: Who, app: AppOption = DEFAULT, yes: Sure = False, as_json: AsJson = False) -> None:
    """Erase a person from every room, at once and for good. Begun again, it goes on where it was interrupted.

    [dim]mainstay users erase ada@example.com --app app.py --yes[/dim]
    """
    if not yes and (as_json or not typer.confirm(f"Erase {user} for good?")):
        raise Refused(f"{user} is not erased.", fix="Add --yes to do it without being asked.")

    async def work(running: Mainstay) -> dict[str, Any]:
        found = await _require(running, user)
        await running.rooms.erase_person.now(found)
        return {"user_id": str(found), "erased": True, "noted": await running.rooms.audit.settle()}

    told = opened(load(app).app, work)
    said = Output(as_json)
    said.answer(told)
    said.say(f"[bold]{escape(user)}[/] is erased. Entries of the audit name {told['user_id']} and tell no more.")
    refuse_unsettled(told["noted"])


async def _require(running: Mainstay, named: str) -> UUID:
    try:
        found = await running.rooms.identity.get_user(UUID(named))
    except ValueError:
        found = await running.rooms.identity.find_user(named)
    if found is None:
        raise Refused(f"there is no user {named}.", fix="mainstay users list shows which there are.")
    return found.id
