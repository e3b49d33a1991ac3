"""The argument that names the app."""

from typing import Annotated

import typer

AppArgument = Annotated[str, typer.Argument(metavar="APP", help="app.py, app.py:name, or package.module:name.")]
AppOption = Annotated[str, typer.Option("--app", metavar="APP", help="app.py, app.py:name, or package.module:name.")]
DEFAULT = "app.py"
