"""A `mainstay` server in a process of its own, and requests to it."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2 as httpx

PATIENCE = 30


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
            if match := re.search(pattern, self.said()):
                found.append(match)
            return bool(found)

        until(look, lambda: self.said(), self.process)
        return found[0]

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
        time.sleep(0.05)


@contextmanager
def started(folder: Path, *arguments: str, **environment: str) -> Iterator[Server]:
    """`mainstay …`, ended with its children when the block is left."""
    log = folder / f"server-{time.monotonic_ns()}.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "mainstay.cli", *arguments],
            cwd=folder,
            env={**os.environ, "MAINSTAY_LOG_FORMAT": "off", **environment},
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
    try:
        yield Server(process, log)
    finally:
        try:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(PATIENCE)
        except ProcessLookupError:
            pass


@contextmanager
def served(folder: Path, *options: str, **environment: str) -> Iterator[tuple[Server, httpx.Client]]:
    """`mainstay serve app.py` on a free port, and a client for it."""
    with started(folder, "serve", "app.py", "--port", "0", "--json", *options, **environment) as server:
        told: dict[str, Any] = json.loads(server.wait_for(r"\{.*\}\n")[0])
        with httpx.Client(base_url=told["url"], timeout=PATIENCE) as client:
            yield server, client
