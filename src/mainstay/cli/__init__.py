"""The `mainstay` command: make a project, serve it, migrate it, move rows in and out, look into it.

    mainstay new shop
    mainstay dev app.py

Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 something in the configuration must be changed first.
"""

from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and leave the process with its exit code."""
    # Here and not above: workers and the bench's load live in this package and need none of the commands.
    from mainstay.cli.command_line import run  # noqa: PLC0415  see above

    run(arguments)
