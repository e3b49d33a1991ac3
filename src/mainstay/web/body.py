"""Request bodies: bounded in size, in time and from below in speed."""

import asyncio
from dataclasses import dataclass

from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope

from mainstay.base.errors import BadRequest, BodyTooLarge, RequestTimeout


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """What one body may cost: bytes, seconds for all of it, and bytes a second once `grace` seconds have passed."""

    size: int = 1_048_576
    deadline: float = 60.0
    grace: float = 5.0
    minimum_rate: int = 1_024


DEFAULT_LIMITS = BodyLimits()


async def read_body(scope: Scope, receive: Receive, limits: BodyLimits = DEFAULT_LIMITS) -> bytes:
    """The whole body.

    Raises BodyTooLarge (before reading, where Content-Length tells; at the limit, where it doesn't), RequestTimeout
    for a body that is late or too slow, and starlette's ClientDisconnect when the caller has gone.
    """
    declared = content_length(scope)
    if declared is not None and declared > limits.size:
        raise too_large(limits.size)
    loop = asyncio.get_running_loop()
    started = loop.time()
    chunks: list[bytes] = []
    total = 0
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
                # The next byte is due when the average since the grace would fall under the minimum rate.
                earned = limits.grace + total / limits.minimum_rate
                timeout.reschedule(started + min(earned, limits.deadline))
    except TimeoutError:
        raise RequestTimeout() from None


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
