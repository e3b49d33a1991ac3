"""A `mainstay serve` that is about to be mistreated: its processes, its memory, its end."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from tests.faults.app import APP

PATIENCE = 30.0
# Starts are many here, on a machine that does other things: nobody compiles the same modules twice.
COMPILED = Path(__file__).resolve().parents[2] / ".services" / "pycache"


def until(done: Callable[[], bool], said: Callable[[], str], patience: float = PATIENCE) -> float:
    """Wait until this is so; how many seconds it took."""
    began = time.monotonic()
    while not done():
        assert time.monotonic() - began < patience, said()
        time.sleep(0.02)
    return time.monotonic() - began


class Server:
    """What was started: the supervisor, its workers, what they said."""

    def __init__(self, process: "subprocess.Popen[str]", folder: Path, log: Path) -> None:
        self.process, self.folder = process, folder
        self._log = log
        self.port = 0

    def said(self) -> str:
        return self._log.read_text()

    def ready(self) -> None:
        """Wait for the banner, which tells the port."""
        until(lambda: self._banner() is not None, self.said, 3 * PATIENCE)
        banner = self._banner()
        assert banner is not None
        self.port = int(json.loads(banner[0])["url"].rpartition(":")[2])

    def _banner(self) -> re.Match[str] | None:
        assert self.process.poll() is None, self.said()
        return re.search(r'^\{"url".*\}$', self.said(), re.M)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def workers(self) -> list[int]:
        """The processes that serve, oldest first."""
        found = []
        with contextlib.suppress(OSError):
            for child in Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split():
                with contextlib.suppress(OSError):
                    if "spawn_main" in Path(f"/proc/{child}/cmdline").read_text():
                        found.append(int(child))
        return found

    def memory(self) -> int:
        """Bytes that the workers hold."""
        return sum(memory_of(pid) for pid in self.workers())

    def stop(self) -> int:
        """SIGTERM, as a supervisor of the operating system sends it; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)

    def kill_all(self) -> None:
        """SIGKILL to the supervisor and every worker in one moment."""
        pids = [self.process.pid, *self.workers()]
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait(PATIENCE)
        until(lambda: not any(alive(pid) for pid in pids), self.said)

    def clean(self) -> bool:
        """Whether nothing was said that should worry anybody."""
        return "Traceback" not in self.said() and "panicked" not in self.said()


def memory_of(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0


def alive(pid: int) -> bool:
    """Whether the process runs; one that waits to be reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def _environment(own: dict[str, str]) -> dict[str, str]:
    compiled = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(COMPILED)}
    return {**os.environ, "MAINSTAY_LOG_FORMAT": "off", **compiled, **own}


@contextlib.contextmanager
def served(
    folder: Path, workers: int = 1, port: int = 0, within: Sequence[str] = (), **environment: str
) -> Iterator[Server]:
    """The app served in `folder`, by the command `within` if any; everything that was started ends with the block."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "app.py").write_text(APP)
    log = folder / f"server-{time.monotonic_ns()}.log"
    command = [*within, sys.executable, "-m", "mainstay.cli", "serve", "app.py", "--json", "--migrate"]
    command += ["--port", str(port), "--workers", str(workers)]
    with log.open("w") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=_environment({"MAINSTAY_DATABASE_URL": f"sqlite:///{folder}/notes.db", **environment}),
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
    server = Server(process, folder, log)
    try:
        server.ready()
        yield server
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            pass
        finally:
            # The group outlives its leader as long as anybody is in it.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
