"""What the services need of this machine: packages of the distribution, a free port, the truth about a process."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class ServiceMissing(Exception):
    """Something that the tests need is not on this machine; the message says what, and how to get it."""


def apt_install(what: str, *packages: str) -> None:
    """Install Debian packages as root; a sentence that says what to type for everybody else."""
    by_hand = f"{what} is needed by the tests and is not installed. As root: apt-get install {' '.join(packages)}"
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise ServiceMissing(by_hand)
    print(f"installing {what} ({' '.join(packages)}) …", file=sys.stderr, flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages]
    for command in (["apt-get", "update", "-qq"], install):
        done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode:
            said = f"{done.stdout}{done.stderr}"[-2000:]
            raise ServiceMissing(f"{by_hand}\n`{' '.join(command)}` ended with {done.returncode}:\n{said}")


@contextmanager
def held_port() -> Iterator[int]:
    """A loopback port that is ours while the block lasts, for servers that are told their port.

    It is bound and not listened at: nobody who asks for any port, or connects, is given it, and a server that sets
    SO_REUSEADDR may listen at it, end, and come back. A port that is only looked up is another's a moment later.
    """
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


def is_serving(pid: int, what: str) -> bool:
    """Whether that process lives and names `what` on its command line: a pid alone may have been given to another."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        alive = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
    return alive and what.encode() in command
