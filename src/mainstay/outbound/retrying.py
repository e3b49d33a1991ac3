"""Which requests may be made again, and when: decided here, done in the transport."""

import random
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx2

from mainstay.outbound.options import ServiceOptions

# RFC 9110 §9.2.2; a POST with a key is made so by the other side's promise.
_REPEATABLE = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE", "QUERY"})
_PASSING = frozenset({429, 502, 503, 504})
# Nothing was sent yet, so whatever it is may be sent again.
_NEVER_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)


def may_repeat(request: httpx2.Request) -> bool:
    """Whether doing it twice is as good as once, and its body can be sent twice."""
    if not isinstance(request.stream, httpx2.ByteStream):
        return False
    promised = "idempotency-key" in request.headers or "mainstay.repeatable" in request.extensions
    return request.method in _REPEATABLE or promised


def repeats_answer(request: httpx2.Request, status: int) -> bool:
    return status in _PASSING and may_repeat(request)


def repeats_error(request: httpx2.Request, error: httpx2.TransportError) -> bool:
    if isinstance(error, _NEVER_SENT):
        return isinstance(request.stream, httpx2.ByteStream)
    if isinstance(error, httpx2.UnsupportedProtocol | httpx2.LocalProtocolError | httpx2.ProxyError):
        return False
    return may_repeat(request)


def pause(service: ServiceOptions, attempt: int, answer: httpx2.Response | None, now: datetime) -> float | None:
    """Seconds before the attempt after `attempt` (from 0); None when the other side wants longer than we wait.

    Somewhere between nothing and a bound that doubles, so that callers who failed together don't return together.
    """
    bound = min(service.longest_backoff, service.backoff * 2.0**attempt)
    drawn = random.uniform(0, bound)  # noqa: S311  spreads load, guards nothing
    asked = None if answer is None else retry_after(answer.headers.get("retry-after", ""), now)
    if asked is None:
        return drawn
    return None if asked > service.longest_backoff else asked + drawn


def retry_after(text: str, now: datetime) -> float | None:
    """Seconds, of either form of Retry-After (RFC 9110 §10.2.3); None for neither."""
    text = text.strip()
    if text.isascii() and text.isdigit():
        return float(text) if len(text) < 10 else float("inf")
    try:
        at = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max(0.0, (at - now).total_seconds())
