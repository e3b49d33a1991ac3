"""How many connections a worker holds, and when it lets go of one whose client has stopped reading."""

import contextlib
import os
import resource
import socket
import threading
import time

# Connections that one worker holds at once, idle ones included; the next wait in the kernel's queue.
MOST_CONNECTIONS = 10_000
# Files, and connections to databases and caches, that a worker needs beside.
OTHER_FILES = 256
# A client that has acknowledged no byte of its answer for this long is cut off.
STALLED_SECONDS = 30
# A client whose machine is gone is noticed after about twice this long.
PROBE_SECONDS = 60
_WAIT_FOR_LISTENER = 30.0


def connection_limit() -> int:
    """Raise this process's limit of open files as far as it may, and say how many connections fit under it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_CONNECTIONS + OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if soft == resource.RLIM_INFINITY:
        return MOST_CONNECTIONS
    # Out of descriptors, a server accepts, fails and accepts again as fast as it can: better not to accept.
    return max(64, min(MOST_CONNECTIONS, soft - OTHER_FILES))


def wait_for_listener(host: str, port: int) -> None:
    """Wait until connections are accepted there: the app's start-up is complete a moment before that."""
    reached = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  compared, not bound
    deadline = time.monotonic() + _WAIT_FOR_LISTENER
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection((reached, port), 1):
            return
        time.sleep(0.01)


def let_go_of_the_stalled(port: int) -> None:
    """Have the kernel close connections of this process's listener on `port` that move nothing (Linux only).

    The server opens its listener when the app has started and offers no option for this; connections inherit what
    is set on the listener (tcp(7), TCP_USER_TIMEOUT), whenever it is set.
    """
    if hasattr(socket, "TCP_USER_TIMEOUT") and os.path.isdir("/proc/self/fd"):
        threading.Thread(target=_set_on_listener, args=(port,), name="mainstay-listener", daemon=True).start()


def _set_on_listener(port: int) -> None:
    deadline = time.monotonic() + _WAIT_FOR_LISTENER
    while time.monotonic() < deadline:
        for name in os.listdir("/proc/self/fd"):
            with contextlib.suppress(OSError):
                if _set_if_listener(int(name), port):
                    return
        time.sleep(0.05)


def _set_if_listener(descriptor: int, port: int) -> bool:
    if not os.readlink(f"/proc/self/fd/{descriptor}").startswith("socket:"):
        return False
    # Detached again, never closed: the descriptor is the server's.
    borrowed = socket.socket(fileno=descriptor)
    try:
        if borrowed.family not in (socket.AF_INET, socket.AF_INET6) or borrowed.getsockname()[1] != port:
            return False
        if not borrowed.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            return False
        borrowed.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        borrowed.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, PROBE_SECONDS)
        borrowed.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, PROBE_SECONDS)
        borrowed.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, STALLED_SECONDS * 1000)
    finally:
        borrowed.detach()
    return True
