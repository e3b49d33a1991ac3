"""The `mainstay` command: make a project, serve it, migrate it, move rows in and out, look into it.

    mainstay new shop
    mainstay dev app.py

Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 something in the configuration must be changed first.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mainstay.cli.command_line import main

__all__ = ["main"]


def __getattr__(name: str) -> Any:
    # Loaded when first asked for: workers and the bench's load live in this package and need none of the commands.
    if name != "main":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from mainstay.cli import command_line  # noqa: PLC0415  see above

    return command_line.main
