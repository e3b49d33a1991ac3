"""All commands under one name, and what becomes of their errors."""

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_group

from mainstay.cli.frame.ending import ending

EPILOG = (
    "Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 the configuration must be changed. "
    "MAINSTAY_DATABASE_URL chooses the database; without it, it is <app>.db beside the app."
)
# Every command with its module and what the list says of it: a module is imported when its command is asked for.
COMMANDS = {
    "new": ("new", "Make a project: an app of twenty lines, its settings, a test, a README."),
    "dev": ("dev", "Serve the app for development: it starts again whenever a file beside it changes."),
    "serve": (
        "serve",
        "Serve the app. Prints every URL, and a link that makes the first administrator while there is none.",
    ),
    "migrate": ("migrate", "Bring the database up to date: Mainstay's own tables, and the app's."),
    "import": (
        "import_rows",
        "Import rows. Ids in the file are kept; a second run leaves rows that are there already as they are.",
    ),
    "export": (
        "export_rows",
        "Export the rows that the caller may read, in the order of their ids. FILE appears once it is complete.",
    ),
    "openapi": ("openapi", "Print the OpenAPI 3.1 description of the app. JSON unless --yaml is given."),
    "explain": (
        "explain",
        "Say whether a user may read, create, update or delete, and which part of the rule says so.",
    ),
    "doctor": (
        "doctor",
        "Look at the settings, the database and the mail of an app. Changes nothing; exit code 1 when something fails.",
    ),
    "bench": (
        "bench",
        "Measure list, get and create of the app against a bare floor over the same rows, and print the ratios.",
    ),
    "maintenance": ("maintenance", "Maintenance: on, off, status."),
    "limits": ("limits", "Limits: show, set, off, reset; tiers: give, take, given."),
    "mail": ("mail", "Letters: status, preview, send-test."),
    "issuers": ("issuers", "Other issuers of access tokens: list, link, unlink."),
    "keys": ("keys", "Signing keys: list, rotate, retire, revoke, reseal."),
    "audit": ("audit", "The audit log: verify, list, export, anchor, prune."),
    "users": ("users", "Users: create, import, invite, list, change, let in, sign out, export, erase."),
    "passwords": ("passwords", "Breached passwords: pack, check."),
    "tenants": ("tenants", "Tenants: create, list, second-factor."),
}


class Commands(TyperGroup):
    """Lists commands by the table above, and runs those of the modules."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, _, rest = super().resolve_command(ctx, args)
        return name, name and loaded(name), rest


def loaded(name: str) -> Any:
    """The command itself, with its options."""
    module = COMMANDS[name][0]
    found = getattr(import_module(f"mainstay.cli.{module}"), module)
    holder = typer.Typer(add_completion=False, rich_markup_mode="rich")
    if isinstance(found, typer.Typer):
        holder.add_typer(found, name=name)
    else:
        holder.command(name)(found)
    return get_group(holder).commands[name]


commands = typer.Typer(
    name="mainstay",
    cls=Commands,
    help="The backend that your FastAPI app stands on.",
    epilog=EPILOG,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for _name, (_, _line) in COMMANDS.items():
    commands.command(_name, help=_line)(lambda: None)


def run(arguments: Sequence[str] | None = None) -> None:
    """Run one command and leave the process with its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    with ending(as_json="--json" in given):
        commands(args=given, prog_name="mainstay")
