"""Bodies: how large, how slow, and what is said about those that are not taken."""

import asyncio
from collections.abc import Iterable
from typing import Any

import pytest

from mainstay.base.errors import BadRequest, BodyTooLarge, RequestTimeout
from mainstay.web import BodyLimits, read_body

LIMITS = BodyLimits(size=10, deadline=0.2, grace=0.05, minimum_rate=100)


class Sender:
    """Sends chunks and then stays silent; counts how often it was asked."""

    def __init__(self, chunks: Iterable[bytes], last: bool = True) -> None:
        self._chunks, self._last, self.asked = list(chunks), last, 0

    async def __call__(self) -> dict[str, Any]:
        self.asked += 1
        if not self._chunks:
            await asyncio.Event().wait()
        chunk = self._chunks.pop(0)
        return {"type": "http.request", "body": chunk, "more_body": bool(self._chunks) or not self._last}


def scope(length: bytes | None = None) -> dict[str, Any]:
    return {"type": "http", "headers": [] if length is None else [(b"content-length", length)]}


async def test_chunks_are_joined() -> None:
    assert await read_body(scope(), Sender([b"ab", b"", b"cd"]), LIMITS) == b"abcd"


async def test_a_declared_length_over_the_limit_is_refused_before_anything_is_read() -> None:
    sender = Sender([b"x" * 11])
    with pytest.raises(BodyTooLarge):
        await read_body(scope(b"11"), sender, LIMITS)
    assert sender.asked == 0


async def test_a_chunked_body_is_cut_at_the_limit() -> None:
    sender = Sender([b"x" * 6] * 100)
    with pytest.raises(BodyTooLarge):
        await read_body(scope(), sender, LIMITS)
    assert sender.asked == 2


async def test_a_body_at_the_limit_is_taken() -> None:
    assert await read_body(scope(b"10"), Sender([b"x" * 10]), LIMITS) == b"x" * 10


async def test_a_body_that_never_comes_is_given_up_after_the_grace() -> None:
    with pytest.raises(RequestTimeout):
        await read_body(scope(b"5"), Sender([]), LIMITS)


async def test_a_body_slower_than_the_minimum_rate_is_given_up() -> None:
    with pytest.raises(RequestTimeout):
        await read_body(scope(b"5"), Sender([b"x"], last=False), LIMITS)


@pytest.mark.parametrize("length", [b"ten", b"-1", b"1 ", b"9" * 19])
async def test_a_length_that_is_no_number_is_refused(length: bytes) -> None:
    with pytest.raises(BadRequest):
        await read_body(scope(length), Sender([b"x"]), LIMITS)
