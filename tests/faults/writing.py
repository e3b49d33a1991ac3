"""Clients that write as fast as they are answered, and remember what was acknowledged."""

import asyncio
import contextlib
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from tests.faults.wire import LIST, note, post


@dataclass
class Traffic:
    """What came back: when each answer came and its status; the ids of rows whose creation was acknowledged."""

    answers: list[tuple[float, int]] = field(default_factory=list)
    created: set[str] = field(default_factory=set)
    slowest: float = 0.0
    broken: int = 0

    def statuses(self) -> Counter[int]:
        return Counter(status for _, status in self.answers)

    def rate(self, begin: float, end: float) -> float:
        """Requests a second that were done between these moments."""
        done = sum(begin <= moment < end and status < 300 for moment, status in self.answers)
        return done / (end - begin)


async def request(port: int, data: bytes, timeout: float = 30.0) -> tuple[int, bytes]:
    """One request on a connection of its own. Raises OSError or EOFError where there is no answer."""
    async with asyncio.timeout(timeout):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(data)
            return await answer(reader)
        finally:
            writer.close()


async def answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)
    return int(head[9:12]), await reader.readexactly(length)


@contextlib.asynccontextmanager
async def traffic(
    port: Callable[[], int], *, writers: int, readers: int = 0, period: float = 0.0
) -> AsyncIterator[Traffic]:
    """Connections that send a request each `period` seconds, or as soon as the last is answered, until the block ends.

    A connection that breaks is opened again; `port` says where the server is at the moment.
    """
    seen, ending = Traffic(), asyncio.Event()

    async def one(writes: bool) -> None:
        number = 0
        while not ending.is_set():
            writer = None
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", port())
                while not ending.is_set():
                    number += 1
                    began = time.monotonic()
                    writer.write(post(note(f"row {number}")) if writes else LIST)
                    async with asyncio.timeout(30):
                        status, body = await answer(reader)
                    now = time.monotonic()
                    seen.slowest = max(seen.slowest, now - began)
                    seen.answers.append((now, status))
                    if status == 201:
                        seen.created.add(json.loads(body)["id"])
                    await asyncio.sleep(max(began + period - now, 0.02 if status >= 500 else 0))
            except (OSError, EOFError, TimeoutError):
                seen.broken += 1
                await asyncio.sleep(0.02)
            finally:
                if writer is not None:
                    writer.close()

    tasks = [asyncio.create_task(one(number < writers)) for number in range(writers + readers)]
    try:
        yield seen
    finally:
        ending.set()
        await asyncio.gather(*tasks)
