"""A private Redis on a free loopback port: started, killed, paused and resumed by its process id, never by name."""

import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from scripts.packages import ServiceMissing, apt_install, held_port, is_serving

PATIENCE = 10.0
# Debian's package starts a server of its own unless this file forbids it.
POLICY = Path("/usr/sbin/policy-rc.d")


@dataclass(frozen=True, slots=True)
class Redis:
    """A Redis of ours: where it listens, its password, its process, and the configuration that it was started with."""

    port: int
    password: str
    pid: int
    configuration: str

    @property
    def url(self) -> str:
        """The URL of its first database."""
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    @property
    def running(self) -> bool:
        return is_serving(self.pid, self.configuration)

    def signal(self, number: signal.Signals) -> None:
        """Send its process a signal: SIGSTOP hangs it, SIGCONT lets it go on, SIGKILL ends it."""
        if self.running:
            os.kill(self.pid, number)

    def stop(self) -> None:
        """End it, whatever state it is in. What it held is gone."""
        self.signal(signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):  # where another process started it
            os.waitpid(self.pid, 0)
        deadline = time.monotonic() + PATIENCE
        while self.running and time.monotonic() < deadline:
            time.sleep(0.01)


def require_redis() -> Path:
    """The server's program, installed from the distribution when we may. Raises ServiceMissing otherwise."""
    if found := shutil.which("redis-server", path=os.environ.get("PATH", "") + ":/usr/bin"):
        return Path(found)
    with contextlib.ExitStack() as after:
        if os.geteuid() == 0 and not POLICY.exists():
            POLICY.touch(mode=0o755)
            POLICY.write_text("#!/bin/sh\nexit 101\n")
            after.callback(POLICY.unlink)
        apt_install("Redis", "redis-server")
    if found := shutil.which("redis-server", path="/usr/bin"):
        return Path(found)
    raise ServiceMissing("Redis was installed, but /usr/bin/redis-server is not there: install a Redis by hand.")


def start_redis(folder: Path, port: int, password: str | None = None) -> Redis:
    """Start a Redis that keeps nothing on disk, with its files in `folder`, and wait until it answers.

    `password` is that of a server that is to come back; else it is new.
    """
    program, password = require_redis(), password or secrets.token_urlsafe(18)
    folder.mkdir(parents=True, exist_ok=True)
    configuration = folder / "redis.conf"
    configuration.touch(mode=0o600)
    log = folder / "redis.log"
    configuration.write_text(
        f'bind 127.0.0.1\nport {port}\nrequirepass {password}\ndir "{folder}"\nlogfile "{log}"\n'
        'save ""\nappendonly no\ndaemonize no\nset-proc-title no\n'
    )
    process = subprocess.Popen(
        [program, configuration], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True
    )
    state = Redis(port, password, process.pid, str(configuration))
    deadline = time.monotonic() + PATIENCE
    while not answers(state):
        if process.poll() is not None or time.monotonic() > deadline:
            state.stop()
            raise ServiceMissing(f"Redis did not start:\n{log.read_text()[-2000:] if log.exists() else ''}")
        time.sleep(0.01)
    process.returncode = 0  # it is known by its id from here on, and may outlive us
    return state


def answers(state: Redis) -> bool:
    """Whether it says PONG within a second."""
    try:
        with socket.create_connection(("127.0.0.1", state.port), 1) as line:
            line.settimeout(1)
            line.sendall(f"AUTH {state.password}\r\nPING\r\n".encode())
            said = b""
            while not said.endswith(b"+PONG\r\n"):
                if not (more := line.recv(64)) or said.startswith(b"-"):
                    return False
                said += more
            return True
    except OSError:
        return False


class KeptRedis:
    """The one Redis of a checkout that `services.py start` keeps, described by a file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "redis"
        self._state_file = folder / "redis.json"

    def running(self) -> Redis | None:
        """The server that we started, if its process still lives."""
        try:
            state = Redis(**json.loads(self._state_file.read_text()))
        except (FileNotFoundError, json.JSONDecodeError, TypeError):
            return None
        return state if state.running else None

    def start(self) -> Redis:
        state = self.running()
        if state is None:
            with held_port() as port:
                state = start_redis(self._folder, port)
            self._state_file.touch(mode=0o600)
            self._state_file.write_text(json.dumps(asdict(state)))
        return state

    def stop(self) -> bool:
        """Stop it; False where none was running."""
        state = self.running()
        if state is not None:
            state.stop()
        self._state_file.unlink(missing_ok=True)
        return state is not None


@contextlib.contextmanager
def private_redis(folder: Path) -> Iterator[Redis]:
    """A Redis for as long as this block lasts, and its port also while it is down; those of test runs that were
    killed are ended first.

    `folder` is the checkout's: each server has a place of its own in it, named for the process that started it.
    """
    place = folder / "redis-of" / f"{os.getpid()}-{secrets.token_hex(4)}"
    sweep(place.parent)
    with held_port() as port:
        state = start_redis(place, port)
        (place / "pid").write_text(str(state.pid))
        try:
            yield state
        finally:
            for pid in {state.pid, int((place / "pid").read_text())}:
                Redis(state.port, state.password, pid, state.configuration).stop()
            shutil.rmtree(place)


def sweep(folder: Path) -> None:
    """End the servers whose starters are gone."""
    for place in folder.glob("*-*"):
        if not Path(f"/proc/{place.name.split('-')[0]}").exists():
            with contextlib.suppress(FileNotFoundError, ValueError):
                Redis(0, "", int((place / "pid").read_text()), str(place / "redis.conf")).stop()
            shutil.rmtree(place, ignore_errors=True)


def restart(state: Redis) -> Redis:
    """Start a server again that was stopped: same port, same password, nothing in it."""
    place = Path(state.configuration).parent
    again = start_redis(place, state.port, state.password)
    (place / "pid").write_text(str(again.pid))
    return again
