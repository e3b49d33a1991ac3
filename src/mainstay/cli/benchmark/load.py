"""Load from a process of its own: connections that send the next request when the answer to the last is there."""

import asyncio
import multiprocessing
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from typing import cast

import uvloop

WARM_UP_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Load:
    """Requests that are sent in turn, each whole, over so many connections, for so long."""

    port: int
    requests: Sequence[bytes]
    seconds: float
    connections: int = 32


@dataclass(frozen=True, slots=True)
class Measured:
    """What came back: answers a second, the slowest of a hundred in milliseconds, and how many were no 2xx."""

    rate: float
    p99: float
    refused: int
    first_refusal: str = ""


class _Sender(asyncio.Protocol):
    """One connection. Knows just enough HTTP/1.1 to see where an answer ends."""

    def __init__(self, load: Load, start: int, seen: list[float], refusals: list[bytes]) -> None:
        self._load, self._at = load, start
        self._seen, self._refusals = seen, refusals
        self._buffer = b""
        self._sent = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are no subclasses of asyncio's.
        self._transport = cast(asyncio.WriteTransport, transport)
        self._send()

    def _send(self) -> None:
        self._sent = time.perf_counter()
        self._transport.write(self._load.requests[self._at % len(self._load.requests)])
        self._at += self._load.connections

    def data_received(self, data: bytes) -> None:
        self._buffer = self._buffer + data if self._buffer else data
        head = self._buffer.find(b"\r\n\r\n")
        if head < 0:
            return
        lower = self._buffer[:head].lower()
        mark = lower.find(b"content-length:")
        end = lower.find(b"\r\n", mark) if mark >= 0 else -1
        length = int(lower[mark + 15 : end if end >= 0 else head]) if mark >= 0 else 0
        if len(self._buffer) < head + 4 + length:
            return
        self._seen.append(time.perf_counter() - self._sent)
        if self._buffer[9:10] != b"2":
            self._refusals.append(self._buffer[:600])
        self._buffer = b""
        self._send()


def measure(load: Load) -> Measured:
    """Send the load from another process, so that it does not share the server's Python."""
    mine, theirs = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("spawn").Process(target=_measure, args=(load, theirs))
    process.start()
    theirs.close()
    try:
        found: Measured = mine.recv()
        return found
    finally:
        process.join()


def _measure(load: Load, answer: Connection) -> None:
    answer.send(uvloop.run(_run(load)))


async def _run(load: Load) -> Measured:
    loop = asyncio.get_running_loop()
    seen: list[float] = []
    refusals: list[bytes] = []
    transports = []
    for number in range(load.connections):
        made = await loop.create_connection(partial(_Sender, load, number, seen, refusals), "127.0.0.1", load.port)
        transports.append(made[0])
    await asyncio.sleep(WARM_UP_SECONDS)
    seen.clear()
    refusals.clear()
    started = time.perf_counter()
    await asyncio.sleep(load.seconds)
    elapsed, counted = time.perf_counter() - started, sorted(seen)
    for transport in transports:
        transport.abort()
    p99 = counted[int(len(counted) * 0.99)] * 1000 if counted else 0.0
    first = refusals[0].decode(errors="replace") if refusals else ""
    return Measured(len(counted) / elapsed, p99, len(refusals), first)
