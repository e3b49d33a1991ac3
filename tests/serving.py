"""The one way in which tests start a server of Mainstay in a process of its own, and ask it."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

import httpx2 as httpx

# A start takes a second of a processor: on a machine with other things to do, many.
PATIENCE = 90
MAINSTAY = (sys.executable, "-m", "mainstay.cli")


class Server:
    """What was started, and what it says."""

    def __init__(self, process: subprocess.Popen[str], log: Path) -> None:
        self.process = process
        self._log = log

    def said(self) -> str:
        return self._log.read_text()

    def wait_for(self, pattern: str) -> re.Match[str]:
        """Wait until the server said something like that."""
        found: list[re.Match[str]] = []

        def look() -> bool:
            if match := re.search(pattern, self.said(), re.M):
                found.append(match)
            return bool(found)

        until(look, self.said, self.process)
        return found[0]

    def url(self) -> str:
        """Where it serves, once it does: it was told `--port 0 --json`, and prints that it took."""
        return str(json.loads(self.wait_for(r'^\{"url".*\}$')[0])["url"])

    def stop(self) -> int:
        """SIGTERM, as a supervisor sends it; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)


def until(done: Callable[[], bool], otherwise: Callable[[], str], process: subprocess.Popen[str] | None = None) -> None:
    """Wait until this is so."""
    deadline = time.monotonic() + PATIENCE
    while not done():
        over = process is not None and process.poll() is not None and not done()
        assert not over, otherwise()
        assert time.monotonic() < deadline, otherwise()
        time.sleep(0.02)


@contextmanager
def running(command: Sequence[str | Path], folder: Path, environment: Mapping[str, str]) -> Iterator[Server]:
    """A program that serves, ended with its children when the block is left."""
    log = folder / f"server-{time.monotonic_ns()}.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, "MAINSTAY_LOG_FORMAT": "off", **environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
    try:
        yield Server(process, log)
    finally:
        _end(process)


def _end(process: subprocess.Popen[str]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(PATIENCE)
    finally:
        # The group outlives its leader for as long as anybody is in it.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def started(folder: Path, *arguments: str, **environment: str) -> AbstractContextManager[Server]:
    """`mainstay …`, ended with its children when the block is left."""
    return running([*MAINSTAY, *arguments], folder, environment)


@contextmanager
def served(
    folder: Path, *options: str, app: Path | str = "app.py", **environment: str
) -> Iterator[tuple[Server, httpx.Client]]:
    """`mainstay serve app.py` on a port that it takes itself, and a client for it."""
    with (
        started(folder, "serve", str(app), "--port", "0", "--json", *options, **environment) as server,
        httpx.Client(base_url=server.url(), timeout=PATIENCE) as client,
    ):
        yield server, client
