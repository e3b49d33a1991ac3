"""All commands under one name, and what becomes of their errors."""

import sys
from collections.abc import Sequence

import typer

from mainstay.cli.bench import bench
from mainstay.cli.dev import dev
from mainstay.cli.doctor import doctor
from mainstay.cli.explain import explain
from mainstay.cli.export_rows import export_rows
from mainstay.cli.frame.ending import ending
from mainstay.cli.import_rows import import_rows
from mainstay.cli.limits import limits
from mainstay.cli.maintenance import maintenance
from mainstay.cli.migrate import migrate
from mainstay.cli.new import new
from mainstay.cli.openapi import openapi
from mainstay.cli.serve import serve
from mainstay.cli.tenants import tenants
from mainstay.cli.users import users

EPILOG = (
    "Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 the configuration must be changed. "
    "MAINSTAY_DATABASE_URL chooses the database; without it, it is <app>.db beside the app."
)

commands = typer.Typer(
    name="mainstay",
    help="The backend that your FastAPI app stands on.",
    epilog=EPILOG,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
commands.command("new")(new)
commands.command("dev")(dev)
commands.command("serve")(serve)
commands.command("migrate")(migrate)
commands.command("import")(import_rows)
commands.command("export")(export_rows)
commands.command("openapi")(openapi)
commands.command("explain")(explain)
commands.command("doctor")(doctor)
commands.command("bench")(bench)
commands.add_typer(maintenance, name="maintenance")
commands.add_typer(limits, name="limits")
commands.add_typer(users, name="users")
commands.add_typer(tenants, name="tenants")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and leave the process with its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    with ending(as_json="--json" in given):
        commands(args=given, prog_name="mainstay")
