"""Serve the atlas: on the first run its rows are imported, as anybody would import theirs.

    python examples/01_atlas/run.py --port 8000

Does what these commands do: `mainstay import app.py continents continents.ndjson` (and so on for countries and
cities), then `mainstay serve app.py`.
"""

import os
import subprocess
import sys
from pathlib import Path

from rows import RESOURCES, write_all

HERE = Path(__file__).resolve().parent
DONE = ".imported"


def mainstay(*arguments: str | Path) -> int:
    """Run a command in the atlas's folder, where its `.env` and its database lie."""
    command = [sys.executable, "-m", "mainstay.cli", *map(str, arguments)]
    try:
        return subprocess.run(command, cwd=HERE, check=False).returncode  # noqa: S603  our own words
    except KeyboardInterrupt:
        return 130


def import_rows() -> None:
    """Import what isn't in the database yet; a run that was interrupted goes on where it stopped."""
    if (HERE / "data" / DONE).exists() and (HERE / "app.db").exists():
        return
    files = write_all(HERE / "data")
    for name in RESOURCES:
        if code := mainstay("import", "app.py", name, files[name]):
            sys.exit(code)
    (HERE / "data" / DONE).touch()


if __name__ == "__main__":
    import_rows()
    os.chdir(HERE)
    # In this process's place: whoever stops it stops the server, not somebody who waits for one.
    os.execv(sys.executable, [sys.executable, "-m", "mainstay.cli", "serve", "app.py", *sys.argv[1:]])  # noqa: S606  our own words
