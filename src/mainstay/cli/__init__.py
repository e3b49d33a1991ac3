"""The `mainstay` command: make a project, serve it, migrate it, move rows in and out, look into it.

    mainstay new shop
    mainstay dev app.py

Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 something in the configuration must be changed first.
"""

from mainstay.cli.command_line import main

__all__ = ["main"]
