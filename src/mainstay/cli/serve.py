"""`mainstay serve`: the app on Granian, with as many workers as asked for."""

import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer

from mainstay.cli.frame.ending import leave
from mainstay.cli.frame.load import DEFAULT, AppArgument
from mainstay.cli.frame.output import AsJson
from mainstay.cli.serving.banner import banner
from mainstay.cli.serving.granian_server import serve_with_granian
from mainstay.cli.serving.plan import OWN_FOLDER, Asked

Host = Annotated[str | None, typer.Option("--host", help="Where to listen. [default: MAINSTAY_HOST or 127.0.0.1]")]
Port = Annotated[
    int | None,
    typer.Option(
        "--port", min=0, max=65_535, help="Where to listen; 0: any free one. [default: MAINSTAY_PORT or 8000]"
    ),
]
Workers = Annotated[int, typer.Option("--workers", "-w", min=1, max=256, help="Processes that serve.")]
Migrate = Annotated[
    bool | None,
    typer.Option("--migrate/--no-migrate", help="Bring the database up to date first. [default: on SQLite, yes]"),
]


def serve(
    app: AppArgument = DEFAULT,
    host: Host = None,
    port: Port = None,
    workers: Workers = 1,
    migrate: Migrate = None,
    as_json: AsJson = False,
) -> None:
    """Serve the app. Prints every URL, and a link that makes the first administrator while there is none.

    [dim]mainstay serve app.py --host 0.0.0.0 --port 8000 --workers 2[/dim]
    """
    settings: dict[str, Any] = {} if migrate is None else {"migrate": migrate}
    # Workers answer for each other when they are asked for figures; those of one that ended are kept for its successor.
    with TemporaryDirectory(prefix="mainstay-", ignore_cleanup_errors=True) as folder:
        asked = Asked(app, host, port, workers, {**settings, OWN_FOLDER: Path(folder)})
        note = f"Ctrl+C stops; so does kill {os.getpid()}, once requests under way are answered."
        refusal = serve_with_granian(asked, lambda checked: banner(checked, as_json=as_json, note=note))
    if refusal is not None:
        leave(refusal, as_json=as_json)
