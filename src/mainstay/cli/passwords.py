"""`mainstay passwords`: lists of breached ones."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from mainstay.cli.frame.ending import Refused
from mainstay.cli.frame.output import AsJson, Output
from mainstay.identity.credentials import open_list, pack

passwords = typer.Typer(no_args_is_help=True, help="Breached passwords: pack, check.")

Source = Annotated[Path, typer.Argument(metavar="SOURCE", help="One password a line, or `<SHA-1>:<count>` a line.")]
Target = Annotated[Path, typer.Argument(metavar="TARGET", help="The file for MAINSTAY_PASSWORDS__BREACHED.")]
AtLeast = Annotated[int, typer.Option("--at-least", min=1, help="Leave out what was seen less often than this.")]
Listed = Annotated[Path | None, typer.Option("--list", help="The list to look in. [default: the one that is shipped]")]


@passwords.command("pack")
def pack_list(source: Source, target: Target, at_least: AtLeast = 1, as_json: AsJson = False) -> None:
    """Write a list of breached passwords in the compact form: five bytes each.

    [dim]mainstay passwords pack pwned-passwords-sha1-ordered-by-hash.txt breached.bin --at-least 100[/dim]
    """
    if not source.is_file():
        raise Refused(f"there is no file {source}.")
    with source.open("rb") as lines:
        count = pack(lines, target, at_least)
    out = Output(as_json)
    out.answer({"entries": count, "bytes": target.stat().st_size})
    out.say(f"[bold green]{count:,}[/] passwords are in {escape(str(target))}.")


@passwords.command("check")
def check(listed: Listed = None, as_json: AsJson = False) -> None:
    """Say whether the password on standard input is in the list.

    [dim]mainstay passwords check < password.txt[/dim]
    """
    found = open_list(listed)
    known = sys.stdin.readline().rstrip("\r\n") in found
    out = Output(as_json)
    out.answer({"breached": known, "entries": len(found)})
    out.say(f"It is {'' if known else 'not '}among the {len(found):,}.")
