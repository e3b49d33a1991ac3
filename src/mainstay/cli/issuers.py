"""`mainstay issuers`: whose access tokens are accepted beside our own, and whom their subjects are linked to."""

import csv
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from mainstay.assembly import Mainstay, load
from mainstay.base.errors import Conflict, Rejected
from mainstay.cli.frame.act import opened
from mainstay.cli.frame.ending import Refused
from mainstay.cli.frame.load import DEFAULT, AppOption
from mainstay.cli.frame.output import AsJson, Output

issuers = typer.Typer(no_args_is_help=True, help="Other issuers of access tokens: list, link, unlink.")

Issuer = Annotated[str, typer.Option("--issuer", help="The issuer, as its tokens spell it in `iss`.")]
Subject = Annotated[str | None, typer.Option("--subject", help="The subject, as its tokens spell it in `sub`.")]
Email = Annotated[str | None, typer.Option("--email", "-e", help="The user who it is.")]
Links = Annotated[
    Path | None, typer.Option("--file", exists=True, dir_okay=False, help="A CSV file with the columns email, subject.")
]


@issuers.command("list")
def show(app: AppOption = DEFAULT, as_json: AsJson = False) -> None:
    """List the issuers that are declared, and how their tokens are verified.

    [dim]mainstay issuers list --app app.py[/dim]
    """
    found: list[dict[str, Any]] = [
        {
            "name": name,
            "issuer": each.issuer,
            "audiences": list(each.audiences),
            "algorithms": list(each.algorithms),
            "keys": each.key_set_url or ("a secret" if each.secret else "a public key"),
            "guests": each.guests,
        }
        for name, each in load(app).app.settings.issuers.items()
    ]
    out = Output(as_json)
    out.answer(found)
    rows = [[each["name"], each["issuer"], ", ".join(each["algorithms"]), each["keys"]] for each in found]
    out.table(["name", "issuer", "algorithms", "verified by"], rows)


@issuers.command("link")
def link(
    issuer: Issuer,
    app: AppOption = DEFAULT,
    subject: Subject = None,
    email: Email = None,
    file: Links = None,
    as_json: AsJson = False,
) -> None:
    """Link an issuer's subjects to users, for whom their tokens then speak. Those linked already stay as they are.

    [dim]mainstay issuers link --issuer https://old.example --file links.csv[/dim]
    """
    wanted = _wanted(subject, email, file)

    async def work(running: Mainstay) -> dict[str, Any]:
        return await _link(running, issuer, wanted)

    done = opened(load(app).app, work)
    out = Output(as_json)
    out.answer(done)
    out.say(f"{done['linked']} linked, {done['there']} were linked already.")
    for missing in done["unknown"]:
        out.say(f"There is no user {escape(missing)}.")
    if done["unknown"]:
        raise typer.Exit(1)


@issuers.command("unlink")
def unlink(
    issuer: Issuer,
    subject: Annotated[str, typer.Option("--subject", help="The subject, as its tokens spell it in `sub`.")],
    app: AppOption = DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Believe no token of this subject any more.

    [dim]mainstay issuers unlink --issuer https://old.example --subject 4711[/dim]
    """

    async def work(running: Mainstay) -> None:
        try:
            await running.rooms.identity.foreign.unlink(issuer, subject)
        except Rejected as error:
            raise Refused(error.detail, fix="Issuer and subject are compared byte for byte.") from None

    opened(load(app).app, work)
    out = Output(as_json)
    out.answer({"issuer": issuer, "subject": subject})
    out.say(f"{escape(subject)} of {escape(issuer)} is linked to nobody any more.")


def _wanted(subject: str | None, email: str | None, file: Path | None) -> list[tuple[str, str]]:
    if file is not None and subject is None and email is None:
        with file.open(newline="", encoding="utf-8") as stream:
            rows = list(csv.DictReader(stream))
        if not rows or not {"email", "subject"} <= rows[0].keys():
            raise Refused(f"{file} has no columns email and subject.", fix="Name them in its first line.")
        return [(row["email"], row["subject"]) for row in rows]
    if subject is None or email is None or file is not None:
        raise typer.BadParameter("give --email and --subject, or --file")
    return [(email, subject)]


async def _link(app: Mainstay, issuer: str, wanted: list[tuple[str, str]]) -> dict[str, Any]:
    identity = app.rooms.identity
    unknown, linked, there = [], 0, 0
    for email, subject in wanted:
        user = await identity.find_user(email)
        if user is None:
            unknown.append(email)
            continue
        try:
            await identity.foreign.link(issuer, subject, user.id)
            linked += 1
        except Conflict:
            there += 1
    return {"linked": linked, "there": there, "unknown": unknown}
