"""`mainstay keys`: the keys that sign access tokens, and the master key that seals them."""

from typing import Annotated, Any

import typer

from mainstay.assembly import Mainstay, load
from mainstay.base.errors import Rejected
from mainstay.cli.frame.act import opened
from mainstay.cli.frame.ending import Refused
from mainstay.cli.frame.load import DEFAULT, AppOption
from mainstay.cli.frame.output import AsJson, Output

keys = typer.Typer(no_args_is_help=True, help="Signing keys: list, rotate, retire, revoke, reseal.")

Kid = Annotated[str, typer.Argument(help="The key's id, as `keys list` shows it.")]
AtOnce = Annotated[
    bool, typer.Option("--now", help="Sign with it at once, not when it has been published for a while.")
]
Reason = Annotated[str, typer.Option("--reason", help="Why, for the audit log.")]


@keys.command("list")
def show(app: AppOption = DEFAULT, as_json: AsJson = False) -> None:
    """List the signing keys, the oldest first: which signs, which comes next, which only verify.

    [dim]mainstay keys list --app app.py[/dim]
    """
    found = opened(load(app).app, _list)
    out = Output(as_json)
    out.answer(found)
    rows = [
        [
            each["state"],
            each["kid"],
            each["algorithm"],
            each["signs_from"],
            each["verifies_until"] or "",
            "reseal it" if each["outdated"] else "",
        ]
        for each in found
    ]
    out.table(["state", "kid", "algorithm", "signs from", "verifies until", ""], rows)


@keys.command("rotate")
def rotate(app: AppOption = DEFAULT, now: AtOnce = False, as_json: AsJson = False) -> None:
    """Publish the next signing key; it signs after MAINSTAY_SIGNING__PUBLISH_SECONDS, when the one before it retires.

    [dim]mainstay keys rotate --app app.py --now[/dim]
    """

    async def work(running: Mainstay) -> dict[str, Any]:
        made = await running.rooms.identity.keys.rotate(now=now)
        return {"kid": made.kid, "algorithm": made.algorithm, "signs_from": made.signs_from.isoformat()}

    made = opened(load(app).app, work)
    out = Output(as_json)
    out.answer(made)
    out.say(f"[bold green]{made['kid']}[/] ({made['algorithm']}) signs from {made['signs_from']}.")


@keys.command("retire")
def retire(kid: Kid, app: AppOption = DEFAULT, as_json: AsJson = False) -> None:
    """Sign with this key no more; what it signed stays good to its end.

    [dim]mainstay keys retire 3yi3bQL9… --app app.py[/dim]
    """

    async def work(running: Mainstay) -> list[dict[str, Any]]:
        await running.rooms.identity.keys.retire(kid)
        return await _list(running)

    _withdrawn(app, work, as_json, f"{kid} signs no more; what it signed is believed until it runs out.")


@keys.command("revoke")
def revoke(kid: Kid, app: AppOption = DEFAULT, reason: Reason = "", as_json: AsJson = False) -> None:
    """Believe nothing this key signed, within a second in every process. For a key that came into other hands.

    [dim]mainstay keys revoke 3yi3bQL9… --app app.py --reason "it lay in a backup"[/dim]
    """

    async def work(running: Mainstay) -> list[dict[str, Any]]:
        await running.rooms.identity.keys.revoke(kid, reason)
        return await _list(running)

    _withdrawn(app, work, as_json, f"{kid} is revoked: what it signed is refused within a second. Sessions go on.")


@keys.command("reseal")
def reseal(app: AppOption = DEFAULT, as_json: AsJson = False) -> None:
    """Seal under MAINSTAY_SECRET_KEY whatever MAINSTAY_SECRET_KEY_PREVIOUS sealed, so that it can be forgotten.

    [dim]mainstay keys reseal --app app.py[/dim]
    """

    async def work(running: Mainstay) -> dict[str, int]:
        try:
            return await running.rooms.identity.keys.reseal()
        except Rejected as error:
            raise Refused(str(error.detail), fix="Name every former key in MAINSTAY_SECRET_KEY_PREVIOUS.") from None

    done = opened(load(app).app, work)
    out = Output(as_json)
    out.answer(done)
    out.say(
        f"{sum(done.values())} values are sealed anew. MAINSTAY_SECRET_KEY_PREVIOUS is not needed for them any more."
    )


def _withdrawn(app: str, work: Any, as_json: bool, words: str) -> None:
    async def refusing(running: Mainstay) -> list[dict[str, Any]]:
        try:
            found: list[dict[str, Any]] = await work(running)
        except Rejected as error:
            raise Refused(str(error.detail), fix="mainstay keys list shows which there are.") from None
        return found

    found = opened(load(app).app, refusing)
    out = Output(as_json)
    out.answer(found)
    out.say(words)


async def _list(app: Mainstay) -> list[dict[str, Any]]:
    return [
        {
            "kid": each.kid,
            "algorithm": each.algorithm,
            "state": str(each.state),
            "created_at": each.created_at.isoformat(),
            "signs_from": each.signs_from.isoformat(timespec="seconds"),
            "verifies_until": each.verifies_until and each.verifies_until.isoformat(timespec="seconds"),
            "outdated": each.outdated,
        }
        for each in await app.rooms.identity.keys.list()
    ]
