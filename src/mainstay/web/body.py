"""Request bodies: bounded in size, in time and from below in speed."""

import asyncio
from dataclasses import dataclass

from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope

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
    loop = asyncio.get_running_loop()
    started = loop.time()
    chunks: list[bytes] = []
    total = 0
    held: Held | None = None
    try:
        async with asyncio.timeout_at(started + min(limits.grace, limits.deadline)) as timeout:
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise ClientDisconnect
                chunk: bytes = message.get("body", b"")
                total += len(chunk)
                if total > limits.size:
                    raise too_large(limits.size)
                if not message.get("more_body", False):
                    return chunk if not chunks else b"".join([*chunks, chunk])
                chunks.append(chunk)
                held = held or Held()
                held.add(len(chunk), limits)
                # The next byte is due when the average since the grace would fall under the minimum rate.
                earned = limits.grace + total / limits.minimum_rate
                timeout.reschedule(started + min(earned, limits.deadline))
    except TimeoutError:
        raise RequestTimeout() from None
    finally:
        if held is not None:
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
