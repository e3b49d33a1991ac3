"""What a server weighs before anybody asks for anything: time to its first answer, memory when idle."""

import os
import secrets
import signal
import socket
import subprocess
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from bench.servers import BIN, HERE

COLD_BAR, IDLE_BAR = 2.0, 150.0


@dataclass(frozen=True)
class Footprint:
    """Seconds from `mainstay serve` to its first answer (the best of three), megabytes of one idle worker's server."""

    cold: float
    idle: float

    @classmethod
    def measure(cls, folder: Path) -> "Footprint":
        settings = {
            "MAINSTAY_DATABASE_URL": f"sqlite:///{folder}/footprint.db",
            "MAINSTAY_ENVIRONMENT": "production",
            "MAINSTAY_SIGN_UP": "false",
            "MAINSTAY_SECRET_KEY": secrets.token_urlsafe(48),
        }
        subprocess.run([str(BIN / "mainstay"), "migrate", str(HERE / "app.py")], cwd=folder,
                       env={**os.environ, **settings}, check=True, stdout=subprocess.DEVNULL)  # fmt: skip
        seen = [_one(folder, settings) for _ in range(3)]
        return cls(min(cold for cold, _ in seen), min(idle for _, idle in seen))

    def lines(self) -> list[str]:
        """Rows of a Markdown table."""
        cold = f"| cold start to the first answer | sqlite | {self.cold:.2f} s | ≤ {COLD_BAR:.0f} s: "
        idle = f"| idle server, one worker | sqlite | {self.idle:.0f} MB | ≤ {IDLE_BAR:.0f} MB: "
        return [
            f"{cold}{'met' if self.cold <= COLD_BAR else 'NOT met'} |",
            f"{idle}{'met' if self.idle <= IDLE_BAR else 'NOT met'} |",
        ]


def _one(folder: Path, settings: dict[str, str]) -> tuple[float, float]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [str(BIN / "mainstay"), "serve", str(HERE / "app.py"), "--port", str(port), "--workers", "1"]
    with (folder / "footprint.log").open("w") as out:
        started = time.perf_counter()
        server = subprocess.Popen(
            command, cwd=folder, env={**os.environ, **settings}, stdout=out, stderr=out, start_new_session=True
        )
    try:
        while True:
            if server.poll() is not None or time.perf_counter() - started > 30:
                raise RuntimeError(f"The server did not come up:\n{(folder / 'footprint.log').read_text()[-2000:]}")
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/livez", timeout=1):
                    cold = time.perf_counter() - started
                    break
            except OSError:
                time.sleep(0.01)
        time.sleep(2)
        return cold, sum(_own_memory(pid) for pid in _family(server.pid))
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(20)


def _family(pid: int) -> list[int]:
    """The process and everything it started."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += _family(int(child))
    return found


def _own_memory(pid: int) -> float:
    """Megabytes, pages shared with others counted in part (proportional set size)."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    return 0.0
