"""A listener for `/metrics` alone: no other path, no body, one answer a connection."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

from mainstay.base.errors import ConfigurationError
from mainstay.telemetry.metrics.families import CONTENT_TYPE

log = logging.getLogger("mainstay.telemetry")
PATIENCE_SECONDS = 5.0
MOST_BYTES = 8192
MOST_AT_ONCE = 16


class Listener:
    """Answers `GET /metrics` with what it is given."""

    def __init__(self, host: str, port: int, answer: Callable[[], Awaitable[bytes]]) -> None:
        self._host, self._port, self._answer = host, port, answer
        self._server: asyncio.Server | None = None
        self._open = 0

    @property
    def port(self) -> int:
        """Where it listens; of use where port 0 was asked for."""
        return int(self._server.sockets[0].getsockname()[1]) if self._server else self._port

    async def open(self) -> None:
        """Listen. Raises ConfigurationError where the port cannot be had."""
        try:
            self._server = await asyncio.start_server(self._serve, self._host, self._port, limit=MOST_BYTES)
        except OSError as error:
            raise ConfigurationError(
                f"MAINSTAY_METRICS_PORT {self._port} of {self._host} cannot be listened at: {error.strerror or error}.",
                fix="Choose another port. Several workers of one server need MAINSTAY_METRICS_FOLDER to share it; "
                "`mainstay serve` sees to that by itself.",
            ) from error

    async def close(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.close()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(PATIENCE_SECONDS):
                    await server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open += 1
        try:
            if self._open <= MOST_AT_ONCE:
                async with asyncio.timeout(PATIENCE_SECONDS):
                    writer.write(await self._answered(reader))
                    await writer.drain()
        except (TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            # Somebody who does not speak, or speaks too long, is hung up on.
            pass
        finally:
            self._open -= 1
            writer.close()

    async def _answered(self, reader: asyncio.StreamReader) -> bytes:
        head = await reader.readuntil(b"\r\n\r\n")
        method, _, rest = head.partition(b"\r\n")[0].partition(b" ")
        path = rest.partition(b" ")[0].partition(b"?")[0]
        if path != b"/metrics":
            return _response("404 Not Found", b"Only /metrics is here.\n")
        if method not in (b"GET", b"HEAD"):
            return _response("405 Method Not Allowed", b"Allowed: GET, HEAD.\n", "Allow: GET, HEAD\r\n")
        try:
            body = await self._answer()
        except Exception:
            log.exception("figures could not be told")
            return _response("500 Internal Server Error", b"The figures could not be told; the log says why.\n")
        return _response("200 OK", body, kind=CONTENT_TYPE, empty=method == b"HEAD")


def _response(
    status: str, body: bytes, more: str = "", kind: str = "text/plain; charset=utf-8", *, empty: bool = False
) -> bytes:
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n{more}Connection: close\r\n\r\n"
    )
    return head.encode() + (b"" if empty else body)
