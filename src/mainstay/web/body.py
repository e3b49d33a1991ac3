"""Request bodies: bounded in size, in time and from below in speed."""

import asyncio
from dataclasses import dataclass

from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive, Scope

from mainstay.base.deadlines import Deadlines
from mainstay.base.errors import BadRequest, BodyTooLarge, MalformedBody, RequestTimeout, Unavailable


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """What one body may cost: bytes, seconds for all of it, and bytes a second once `grace` seconds have passed.

    `together` is what the bodies that have come in part may take in this process, all of them together, in bytes.
    """

    size: int = 1_048_576
    deadline: float = 60.0
    grace: float = 5.0
    minimum_rate: int = 1_024
    together: int = 134_217_728


DEFAULT_LIMITS = BodyLimits()
# By seconds, for the loop that runs: there is one at a time, but in tests.
_deadlines: dict[float, tuple[asyncio.AbstractEventLoop, Deadlines]] = {}


class Held:
    """Bytes of one body that has come in part. Many clients that send slowly must not fill the memory."""

    __slots__ = ("_bytes",)
    total = 0

    def __init__(self) -> None:
        self._bytes = 0

    def add(self, size: int, limits: BodyLimits) -> None:
        """Raises Unavailable when the bodies under way take too much together."""
        self._bytes += size
        Held.total += size
        if Held.total > limits.together:
            raise Unavailable(
                "Too many bodies are under way; try again.", fix="Clients send large bodies slowly: look who they are."
            )

    def let_go(self) -> None:
        Held.total -= self._bytes
        self._bytes = 0


async def read_body(scope: Scope, receive: Receive, limits: BodyLimits = DEFAULT_LIMITS) -> bytes:
    """The whole body.

    Raises BodyTooLarge (before reading, where Content-Length tells; at the limit, where it doesn't), RequestTimeout
    for a body that is late or too slow, Unavailable when too many are under way, and starlette's ClientDisconnect when
    the caller has gone or breaks the rules of HTTP.
    """
    declared = content_length(scope)
    if declared is not None and declared > limits.size:
        raise too_large(limits.size)
    message = await _first_message(receive, limits)
    chunk: bytes = message.get("body", b"")
    # Servers that stream tell of the end in a message of its own; who has all that was announced need not wait for it.
    if not message.get("more_body", False) or len(chunk) == declared:
        if len(chunk) > limits.size:
            raise too_large(limits.size)
        return chunk
    return await _rest(chunk, receive, limits)


async def _first_message(receive: Receive, limits: BodyLimits) -> Message:
    """Most bodies come in one piece, and come at once: these are not worth a timer of their own."""
    loop = asyncio.get_running_loop()
    seconds = min(limits.grace, limits.deadline)
    deadlines = _deadlines.get(seconds)
    if deadlines is None or deadlines[0] is not loop:
        deadlines = _deadlines[seconds] = loop, Deadlines(seconds)
    try:
        message = await deadlines[1].wait(receive())
    except TimeoutError:
        raise RequestTimeout() from None
    if message["type"] == "http.disconnect":
        raise ClientDisconnect
    return message


async def _rest(first: bytes, receive: Receive, limits: BodyLimits) -> bytes:
    loop = asyncio.get_running_loop()
    started = loop.time()
    chunks, total = [first], len(first)
    held = Held()
    try:
        async with asyncio.timeout_at(started) as timeout:
            while True:
                if total > limits.size:
                    raise too_large(limits.size)
                held.add(len(chunks[-1]), limits)
                # The next byte is due when the average since the grace would fall under the minimum rate.
                earned = limits.grace + total / limits.minimum_rate
                timeout.reschedule(started + min(earned, limits.deadline))
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise ClientDisconnect
                chunk: bytes = message.get("body", b"")
                total += len(chunk)
                chunks.append(chunk)
                if not message.get("more_body", False):
                    if total > limits.size:
                        raise too_large(limits.size)
                    return b"".join(chunks)
    except TimeoutError:
        raise RequestTimeout() from None
    finally:
        held.let_go()


def content_length(scope: Scope) -> int | None:
    """The declared length, or None for a chunked body. Raises BadRequest for one that is no number."""
    for name, value in scope["headers"]:
        if name == b"content-length":
            if not value.isdigit() or len(value) > 18:
                raise BadRequest("Content-Length is not a number of bytes.")
            return int(value)
    return None


def too_large(limit: int) -> BodyTooLarge:
    """The refusal of a body over the limit. The connection closes: the rest of the body is not worth reading."""
    return BodyTooLarge(f"The body may have at most {limit} bytes.", headers={"Connection": "close"})


def incomplete() -> MalformedBody:
    """The answer to a body that broke off. Most such callers have gone; some sent chunks that are none."""
    return MalformedBody("The body broke off, or its chunks are malformed.", headers={"Connection": "close"})
