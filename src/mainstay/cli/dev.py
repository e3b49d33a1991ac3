"""`mainstay dev`: serve while you write, and start again when a file changes."""

import multiprocessing
import signal
import sys
import time
from functools import partial
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Annotated, Any

import typer

from mainstay.cli.frame.ending import ending
from mainstay.cli.frame.load import DEFAULT, AppArgument
from mainstay.cli.frame.output import AsJson
from mainstay.cli.serve import Host, Port
from mainstay.cli.serving.banner import banner
from mainstay.cli.serving.parent import end_with_parent
from mainstay.cli.serving.plan import Asked
from mainstay.cli.serving.port import free_port
from mainstay.cli.serving.watch import Watch

LOOK_SECONDS = 0.3
NOTE = "Starts again when a file changes. Ctrl+C stops."
OpenBrowser = Annotated[bool, typer.Option("--open", "-o", help="Open the browser once the app is served.")]


def dev(
    app: AppArgument = DEFAULT,
    host: Host = None,
    port: Port = None,
    open_browser: OpenBrowser = False,
    as_json: AsJson = False,
) -> None:
    """Serve the app for development: it starts again whenever a file beside it changes.

    [dim]mainstay dev app.py --open[/dim]
    """
    watch = Watch(_folder(app))
    signal.signal(signal.SIGTERM, _stop)
    first = True
    # Another free port for each start would lose the browser that is looking at it.
    start = partial(_start, app, host, free_port(host or "127.0.0.1", 0) if port == 0 else port)
    child: SpawnProcess | None = start(first, open_browser, as_json)
    try:
        while True:
            time.sleep(LOOK_SECONDS)
            changed = watch.changed()
            if not changed:
                if child is not None and not child.is_alive():
                    if first:
                        sys.exit(child.exitcode or 1)
                    _note("waiting for a change …")
                    child = None
                continue
            _end(child)
            _note(f"{', '.join(path.name for path in changed[:3])} changed: starting again")
            first = False
            child = start(first, False, as_json)
    except KeyboardInterrupt:
        pass
    finally:
        _end(child)


def _note(words: str) -> None:
    typer.secho(words, dim=True, err=True)


def _stop(*_: Any) -> None:
    raise KeyboardInterrupt


def _folder(target: str) -> Path:
    place = target.rpartition(":")[0] if ":" in target else target
    path = Path(place)
    return path.resolve().parent if path.is_file() else path.resolve() if path.is_dir() else Path.cwd()


def _start(app: str, host: str | None, port: int | None, *how: bool) -> SpawnProcess:
    child = multiprocessing.get_context("spawn").Process(target=_serve, args=(app, host, port, *how))
    child.start()
    return child


def _end(child: SpawnProcess | None) -> None:
    if child is None:
        return
    child.terminate()
    child.join(5)
    if child.is_alive():
        child.kill()
        child.join()


def _serve(app: str, host: str | None, port: int | None, first: bool, open_browser: bool, as_json: bool) -> None:
    # In the child alone: the process that watches the files needs nothing of the app.
    from mainstay.cli.serving.embedded import serve_embedded  # noqa: PLC0415  see above
    from mainstay.cli.serving.prepare import check  # noqa: PLC0415  likewise

    end_with_parent()
    with ending(as_json=as_json):
        checked = check(Asked(app, host, port))

        def ready() -> None:
            if first:
                banner(checked, as_json=as_json, note=NOTE)
            if open_browser:
                typer.launch(checked.first_admin or checked.public_url)

        serve_embedded(checked.plan, ready)
