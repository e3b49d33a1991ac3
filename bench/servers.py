"""Starts a server on core 0, loads it with wrk from core 1, and reads what wrk says."""

import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
BIN = Path(sys.executable).parent
CONNECTIONS = 32
PORT = 9001
RESULT = re.compile(r"(\w+)=([\d.]+)")


@dataclass(frozen=True)
class Load:
    """What one load run saw: requests/s, latencies in milliseconds, wrong answers, and what was checked."""

    rate: float
    p50: float
    p99: float
    failures: int
    details: Mapping[str, float]


@contextmanager
def serving(command: list[str], env: Mapping[str, str], cwd: Path, ready: str = "/hello") -> Iterator[None]:
    """Run a server on core 0 while the block runs. Raises RuntimeError when it does not answer within 30 seconds."""
    log = cwd / "server.log"
    with log.open("w") as out:
        server = subprocess.Popen(
            ["taskset", "-c", "0", *command], env={**os.environ, **env}, cwd=cwd, stdout=out, stderr=out,
            start_new_session=True,
        )  # fmt: skip
    try:
        await_answer(server, f"http://127.0.0.1:{PORT}{ready}", log)
        yield
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait()


def await_answer(server: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if server.poll() is not None:
            break
        try:
            with urllib.request.urlopen(url, timeout=1):  # noqa: S310  always our own loopback address
                return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"The server at {url} did not come up:\n{log.read_text()[-3000:]}")


def load(path: str, seconds: int, script: str, *, token: str = "", env: Mapping[str, str] | None = None) -> Load:
    """Load PATH for some seconds over 32 connections with a Lua script from load/, pinned to core 1."""
    command = ["taskset", "-c", "1", "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s"]
    command += ["-s", str(HERE / "load" / script)]
    if token:
        command += ["-H", f"Authorization: Bearer {token}"]
    done = subprocess.run(
        [*command, f"http://127.0.0.1:{PORT}{path}"], env={**os.environ, **(env or {})}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    line = next((text for text in done.stdout.splitlines() if text.startswith("RESULT")), None)
    if line is None:
        raise RuntimeError(f"wrk said nothing of use:\n{done.stdout}\n{done.stderr}")
    if done.stderr.strip():
        print(done.stderr.strip(), file=sys.stderr)
    seen = {name: float(value) for name, value in RESULT.findall(line)}
    failures = int(seen["failures"] + seen["socket_errors"])
    return Load(seen["rate"], seen["p50"], seen["p99"], failures, seen)


def granian(app: str) -> list[str]:
    """The command that serves an ASGI app as the yardsticks' originals are served."""
    options = ["--no-ws", "--log-level", "error", "--runtime-threads", "1"]
    return [str(BIN / "granian"), "--interface", "asgi", "--port", str(PORT), *options, app]


def uvicorn(app: str) -> list[str]:
    """The command that serves the hand-written API, as its guides do."""
    return [str(BIN / "uvicorn"), "--log-level", "error", "--port", str(PORT), app]
