"""A server on this machine that answers as a test says, byte for byte, and remembers what it was asked."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Asked:
    """One request, as it came."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


Answer = bytes | list[bytes]
Script = Callable[[Asked], Answer | Awaitable[Answer]]


def answer(status: int = 200, body: bytes = b"", **headers: str) -> bytes:
    """A whole answer; `content_type="…"` becomes `content-type: …`."""
    lines = [f"HTTP/1.1 {status} Whatever", f"content-length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def as_json(value: Any, status: int = 200, **headers: str) -> bytes:
    return answer(status, json.dumps(value).encode(), content_type="application/json", **headers)


@dataclass
class Loopback:
    """`script` answers: bytes to send (a list is sent piece by piece), b"" to close the connection instead."""

    port: int
    scheme: str = "http"
    script: Script = lambda _: answer()
    asked: list[Asked] = field(default_factory=list)
    connections: int = 0

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"

    async def speak(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                method, target, _ = head[0].split(" ")
                headers = {name.lower(): value.strip() for name, _, value in (each.partition(":") for each in head[1:])}
                body = await reader.readexactly(int(headers.get("content-length") or 0))
                asked = Asked(method, target, headers, body)
                self.asked.append(asked)
                made = self.script(asked)
                said = made if isinstance(made, bytes | list) else await made
                if not said:
                    break
                for piece in said if isinstance(said, list) else [said]:
                    writer.write(piece)
                    await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def loopback(script: Script | None = None, tls: ssl.SSLContext | None = None) -> AsyncIterator[Loopback]:
    """A server for the time of the block."""
    server = Loopback(0, "https" if tls else "http")
    if script is not None:
        server.script = script
    talking: set[asyncio.Task[None]] = set()

    def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(server.speak(reader, writer))
        talking.add(task)
        task.add_done_callback(talking.discard)

    listening = await asyncio.start_server(talk, "127.0.0.1", 0, ssl=tls)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
        for task in list(talking):
            task.cancel()
        await asyncio.gather(*talking, return_exceptions=True)
