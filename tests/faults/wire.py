"""HTTP by hand: bytes that no well-behaved client would send, and what comes back."""

import contextlib
import json
import select
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

LIST = b"GET /api/v1/notes?limit=1 HTTP/1.1\r\nHost: x\r\n\r\n"
ALIVE = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"


def post(body: bytes, *headers: str, path: str = "/api/v1/notes", length: int | None = None) -> bytes:
    """A request to create a note; `length` is what it claims, if that is not the truth."""
    lines = [f"POST {path} HTTP/1.1", "Host: x", "Content-Type: application/json", *headers]
    if not any(line.lower().startswith("transfer-encoding") for line in headers) or length is not None:
        lines.append(f"Content-Length: {len(body) if length is None else length}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def note(text: str = "one") -> bytes:
    return json.dumps({"text": text}).encode()


@dataclass
class Answer:
    """One answer."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Wire:
    """One connection."""

    def __init__(self, port: int, timeout: float = 20.0) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout)
        self._buffer = b""

    def send(self, data: bytes) -> "Wire":
        with contextlib.suppress(ConnectionError):  # the server may have answered and closed already
            self.socket.sendall(data)
        return self

    def ask(self, data: bytes) -> Answer | None:
        return self.send(data).answer()

    def answer(self) -> Answer | None:
        """The next answer; None when the connection is closed instead."""
        while b"\r\n\r\n" not in self._buffer:
            if not self._more():
                return None
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        length = int(headers.get("content-length", 0))
        while len(self._buffer) < length and self._more():
            pass
        body, self._buffer = self._buffer[:length], self._buffer[length:]
        return Answer(int(first.split()[1]), headers, body)

    def closed_within(self, seconds: float) -> float | None:
        """After how many seconds the server closes; None if it does not."""
        began = time.monotonic()
        while (left := began + seconds - time.monotonic()) > 0:
            # Not select(), which knows no descriptor above 1023.
            poll = select.poll()
            poll.register(self.socket, select.POLLIN)
            if poll.poll(left * 1000) and not self._more():
                return time.monotonic() - began
        return None

    def _more(self) -> bool:
        try:
            data = self.socket.recv(1 << 20)
        except ConnectionError:
            return False
        self._buffer += data
        return bool(data)

    def close(self) -> None:
        self.socket.close()


@contextlib.contextmanager
def wire(port: int, timeout: float = 20.0) -> Iterator[Wire]:
    """A connection that is closed when the block is left."""
    opened = Wire(port, timeout)
    try:
        yield opened
    finally:
        opened.close()


@contextlib.contextmanager
def wires(port: int, count: int) -> Iterator[list[Wire]]:
    """So many connections, closed when the block is left."""
    opened: list[Wire] = []
    try:
        for _ in range(count):
            opened.append(Wire(port))
        yield opened
    finally:
        for each in opened:
            each.close()


def ask(port: int, data: bytes) -> Answer | None:
    """One request on a connection of its own."""
    with wire(port) as opened:
        return opened.ask(data)
