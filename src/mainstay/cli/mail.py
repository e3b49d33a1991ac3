"""`mainstay mail`: whether letters go out, what they say, and one to oneself."""

from pathlib import Path
from typing import Annotated, Any

import typer
import uvloop
from rich.markup import escape

from mainstay.assembly import Mainstay, load
from mainstay.cli.frame.act import opened
from mainstay.cli.frame.load import DEFAULT, AppOption
from mainstay.cli.frame.output import AsJson, Output

mail = typer.Typer(no_args_is_help=True, help="Letters: status, preview, send-test.")

# What a letter is previewed with; `--value` puts others in their place.
EXAMPLES = {
    "link": "https://example.com/this-is-an-example",
    "reset_link": "https://example.com/this-is-an-example",
    "unsubscribe": "https://example.com/this-is-an-example",
    "code": "123456",
    "minutes": "30",
    "name": "Ada",
    "inviter": "Ada Lovelace",
    "tenant": "Analytical Engines",
    "device": "Firefox on Linux",
    "address": "192.0.2.7",
    "at": "2026-11-21 19:40 UTC",
    "new_email": "ada@example.org",
    "file": "report.pdf",
    "title": "News",
    "text": "One paragraph.\n\nAnother one.",
}

Kind = Annotated[str, typer.Argument(metavar="TEMPLATE", help="The name of a template: verify-email.")]
Values = Annotated[
    list[str], typer.Option("--value", "-v", metavar="NAME=VALUE", help="What the letter says; may be given often.")
]
Language = Annotated[str | None, typer.Option("--language", "-l", help="The reader's language: de, pt-BR.")]
Html = Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Write the HTML to this file.")]
To = Annotated[str, typer.Option("--to", metavar="EMAIL", help="Whom to write to.")]


@mail.command("status")
def status(app: AppOption = DEFAULT, as_json: AsJson = False) -> None:
    """Say how many letters wait, and which were given up lately and why.

    [dim]mainstay mail status --app app.py[/dim]
    """

    async def work(running: Mainstay) -> dict[str, Any]:
        count, oldest = await running.mail.waiting()
        dead = [
            {"kind": each.kind, "to": each.to, "given_up_at": each.given_up_at, "tries": each.tries, "why": each.reason}
            for each in await running.mail.given_up(20)
        ]
        return {"waiting": count, "oldest": oldest, "given_up": dead}

    found, out = opened(load(app).app, work), Output(as_json)
    out.answer(found)
    since = f", the oldest since {found['oldest']:%Y-%m-%d %H:%M} UTC" if found["oldest"] else ""
    out.say(f"{found['waiting']} letters wait{since}.")
    if found["given_up"]:
        rows = [
            [f"{each['given_up_at']:%Y-%m-%d %H:%M}", each["kind"], escape(each["to"]), escape(each["why"] or "")]
            for each in found["given_up"]
        ]
        out.table(["given up", "template", "to", "why"], rows)


@mail.command("preview")
def preview(
    template: Kind,
    app: AppOption = DEFAULT,
    value: Values = [],  # noqa: B006  Typer wants the default itself, and nobody changes it
    language: Language = None,
    html: Html = None,
    as_json: AsJson = False,
) -> None:
    """Show what a letter says, filled in with examples. Nothing is sent, and no database is opened.

    [dim]mainstay mail preview verify-email --value code=771204 --html letter.html --app app.py[/dim]
    """
    given = dict(_pair(each) for each in value)
    letter = load(app).app.mail.preview(template, EXAMPLES | given, language=language)
    out = Output(as_json)
    out.answer({"subject": letter.subject, "text": letter.text, "html": letter.html, "language": letter.language})
    out.say(f"[bold]{escape(letter.subject)}[/]\n\n{escape(letter.text.rstrip())}")
    if html is not None:
        html.write_text(letter.html or "")
        out.say(f"\n[dim]The HTML is in {escape(str(html))}.[/]")


@mail.command("send-test")
def send_test(to: To, app: AppOption = DEFAULT, as_json: AsJson = False) -> None:
    """Send a test letter, at once and past the queue, and say what the mail server answers.

    [dim]mainstay mail send-test --to ada@example.com --app app.py[/dim]
    """
    mails, out = load(app).app.mail, Output(as_json)

    async def work() -> None:
        try:
            await mails.send_test(to)
        finally:
            await mails.engine.close()

    uvloop.run(work())
    out.answer({"to": to, "through": mails.engine.name})
    out.say(f"[bold green]{escape(mails.engine.name)}[/] took a letter to {escape(to)}.")


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise typer.BadParameter(f"{text!r} is not NAME=VALUE")
    return name, value
