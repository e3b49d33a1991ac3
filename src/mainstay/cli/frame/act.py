"""An app opened for the time of one command, and the options that say as whom."""

from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import typer
import uvloop

from mainstay.assembly import Mainstay

T = TypeVar("T")

AsEmail = Annotated[
    str | None, typer.Option("--as", metavar="EMAIL", help="Act as this user; without it, as an administrator.")
]
InTenant = Annotated[str | None, typer.Option("--tenant", metavar="SLUG", help="The tenant; the only one otherwise.")]


def opened(app: Mainstay, work: Callable[[Mainstay], Awaitable[T]]) -> T:
    """Do this with the app's rooms open, migrated as its settings say, and closed again afterwards."""

    async def run() -> T:
        async with app.running():
            return await work(app)

    return uvloop.run(run())
