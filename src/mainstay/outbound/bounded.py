"""Answers that cannot be larger than agreed, neither as they travel nor as they unpack."""

import asyncio
import zlib
from collections.abc import AsyncIterable, AsyncIterator, Callable

import httpx2

from mainstay.outbound.errors import AnswerRefused, ServiceAway, ServiceLate

ACCEPT_ENCODING = "gzip, deflate"
_PIECE = 65_536
_WINDOWS = {"gzip": 16 + zlib.MAX_WBITS, "x-gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}
# What describes the body as it travelled, and no longer once it is unpacked.
_OF_THE_PACKED = ("content-encoding", "content-length")


Done = Callable[[], None]


def bounded(response: httpx2.Response, limit: int, until: float, done: Done | None = None) -> httpx2.Response:
    """The same answer, unpacked as it is read. `until` is a time of the running loop, `done` is called at its end.

    Raises AnswerRefused here or while it is read, ServiceLate when reading it goes on past `until`.
    """
    stream = response.stream
    if not isinstance(stream, httpx2.AsyncByteStream):
        raise AnswerRefused("This answer cannot be read piece by piece.")
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("identity", "") and encoding not in _WINDOWS:
        raise AnswerRefused(f"A service answered in the encoding {encoding!r}, which was not asked for.")
    stated = response.headers.get("content-length", "")
    if stated.isdigit() and int(stated) > limit:
        raise AnswerRefused(f"A service answered with {stated} bytes; the limit is {limit}.")
    packed = encoding in _WINDOWS
    headers = [
        (name, value)
        for name, value in response.headers.raw
        if not (packed and name.lower().decode() in _OF_THE_PACKED)
    ]
    return httpx2.Response(
        response.status_code,
        headers=headers,
        stream=_Bounded(stream, _WINDOWS.get(encoding), limit, until, done),
        extensions=response.extensions,
    )


class _Bounded(httpx2.AsyncByteStream):
    def __init__(
        self, inner: httpx2.AsyncByteStream, window: int | None, limit: int, until: float, done: Done | None
    ) -> None:
        self._inner, self._window, self._limit, self._until, self._done = inner, window, limit, until, done

    async def __aiter__(self) -> AsyncIterator[bytes]:
        left = self._limit
        pieces = self._inner if self._window is None else _unpacked(self._inner, self._window, self._limit)
        travelling = aiter(pieces)
        while True:
            try:
                # Around each piece: what the reader does between two of them is no fault of the service's.
                async with asyncio.timeout_at(self._until):
                    piece = await anext(travelling)
            except StopAsyncIteration:
                return
            except ServiceAway:
                raise
            except (TimeoutError, httpx2.TimeoutException):
                raise ServiceLate("A service took too long to finish its answer.") from None
            except httpx2.TransportError as error:
                raise ServiceAway("A service broke off its answer.", fix=f"{type(error).__name__}: {error}") from error
            left -= len(piece)
            if left < 0:
                raise AnswerRefused(f"A service answered with more than {self._limit} bytes.")
            yield piece

    async def aclose(self) -> None:
        done, self._done = self._done, None
        try:
            await self._inner.aclose()
        finally:
            if done is not None:
                done()


async def _unpacked(packed: AsyncIterable[bytes], window: int, limit: int) -> AsyncIterator[bytes]:
    """Pieces of at most 64 KiB, however small what they come from."""
    unpack, begun = zlib.decompressobj(window), False
    # What does not pack becomes a little larger by it.
    left = limit + limit // 16 + 1024
    async for raw in packed:
        left -= len(raw)
        if left < 0:
            # It may unpack to nothing at all, and go on for ever.
            raise AnswerRefused(f"A service answered with more than {limit} packed bytes.")
        # zlib would keep whatever follows the end, and copy all of it each time.
        while raw and not unpack.eof:
            try:
                piece = unpack.decompress(raw, _PIECE)
            except zlib.error:
                if begun or window != zlib.MAX_WBITS:
                    raise AnswerRefused("A service's answer does not unpack.") from None
                # "deflate" without its wrapper, as many servers send it (RFC 9110 §8.4.1.2).
                unpack, begun = zlib.decompressobj(-zlib.MAX_WBITS), True
                continue
            begun = True
            if piece:
                yield piece
            # Whatever follows the end is not part of the answer; gzip may have several members, which nobody sends.
            raw = unpack.unconsumed_tail
    if begun and not unpack.eof:
        raise AnswerRefused("A service's answer ends in the middle.")
