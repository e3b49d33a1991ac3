"""The argument that names a resource, and the refusal of one that isn't there."""

import difflib
from typing import Annotated

import typer

from mainstay.assembly import Mainstay
from mainstay.cli.frame.ending import Refused

ResourceArgument = Annotated[str, typer.Argument(metavar="RESOURCE", help="Its name in URLs, such as books.")]


def require_resource(app: Mainstay, name: str) -> str:
    """The name, once it is sure that the app serves it. Raises Refused naming the nearest."""
    names = app.rooms.registry.names
    if name in names:
        return name
    near = difflib.get_close_matches(name, names, n=1)
    fix = f"Did you mean {near[0]}?" if near else f"It serves: {', '.join(names) or 'nothing'}."
    raise Refused(f"this app serves no {name!r}.", fix=fix)
