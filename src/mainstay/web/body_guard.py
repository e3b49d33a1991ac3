"""Bodies of the app's own routes: the slow are cut off, and every refusal of a body has one shape."""

import asyncio
from typing import NoReturn

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mainstay.base.errors import Rejected, RequestTimeout, Unavailable
from mainstay.web.body import BodyLimits, Held, content_length, incomplete, too_large
from mainstay.web.responses import send_problem

# The guard itself lies in the scope: a middleware may hand on a copy of the dictionary, not of the guard.
_KEY = "mainstay.body_guard"
_REPLACED = frozenset(
    {b"content-type", b"content-length", b"content-encoding", b"etag", b"cache-control", b"connection"}
)


class BodyGuard:
    """Cuts off bodies that are too slow, or too large for whoever reads them before a route does (middleware).

    The refusal is answered in the reader's place, whatever the reader makes of it. From `reached_route()` on, the
    size is the route's own affair; Starlette's limit answers in plain text then, which becomes a problem here.
    """

    def __init__(self, app: ASGIApp, limits: BodyLimits) -> None:
        self._app = app
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        guarded = _Guarded(scope, receive, send, self._limits)
        scope[_KEY] = guarded
        try:
            await self._app(scope, guarded.receive, guarded.send)
        except Rejected:
            # Raised through middleware that reads bodies itself: answered already, and no failure of the app's.
            if not guarded.replaced:
                raise
        finally:
            # Scope and guard hold each other, and the refusal the frames it passed through: left to the garbage
            # collector they would keep the server's end of the request, and with it the connection, open.
            scope.pop(_KEY, None)
            guarded.let_go()


def reached_route(scope: Scope) -> None:
    """Say that the request has come to its route, whose own limit holds from now on."""
    guarded = scope.get(_KEY)
    if guarded is not None:
        guarded.routed = True


class _Guarded:
    __slots__ = (
        "_done",
        "_limits",
        "_receive",
        "_refusal",
        "_scope",
        "_send",
        "_since",
        "_total",
        "held",
        "replaced",
        "routed",
    )

    def __init__(self, scope: Scope, receive: Receive, send: Send, limits: BodyLimits) -> None:
        self._scope, self._receive, self._send, self._limits = scope, receive, send, limits
        self._since: float | None = None
        self._total = 0
        self._done = False
        self._refusal: Rejected | None = None
        self.held = Held()
        self.replaced = False
        self.routed = False

    async def receive(self) -> Message:
        if self._done:
            return await self._receive()
        if not self.routed and (content_length(self._scope) or 0) > self._limits.size:
            self._refuse(too_large(self._limits.size))
        loop = asyncio.get_running_loop()
        self._since = self._since or loop.time()
        due = self._since + self._limits.grace + self._total / self._limits.minimum_rate
        try:
            async with asyncio.timeout_at(due):
                message = await self._receive()
        except TimeoutError:
            self._refuse(RequestTimeout())
        if message["type"] == "http.disconnect":
            # Whatever the reader makes of it, it is no fault of the app's.
            self._refusal = incomplete()
        self._total += len(message.get("body", b""))
        if not self.routed and self._total > self._limits.size:
            self._refuse(too_large(self._limits.size))
        # What comes after the body is the wait for the caller to hang up, which may be long.
        self._done = not message.get("more_body", False)
        if not self._done and _kept_whole(self._scope):
            try:
                self.held.add(len(message["body"]), self._limits)
            except Unavailable as refusal:
                self._refuse(refusal)
        return message

    def let_go(self) -> None:
        self.held.let_go()
        self._refusal = None

    def _refuse(self, refusal: Rejected) -> NoReturn:
        self._refusal = refusal
        raise refusal from None

    async def send(self, message: Message) -> None:
        if self.replaced:
            return
        if message["type"] == "http.response.start":
            refusal = self._refusal or (too_large(self._limits.size) if _is_plain_413(message) else None)
            if refusal is not None:
                self.replaced = True
                # What the app's middleware has put on the answer stays: without CORS headers a page could not read it.
                kept = [pair for pair in message.get("headers", ()) if pair[0] not in _REPLACED]
                await send_problem(self._send, self._scope, refusal, kept)
                return
        await self._send(message)
        if message.get("more_body", False):
            # A server whose client has gone takes every piece at once: a stream that waits for nothing itself would
            # keep the loop, and never learn that nobody listens.
            await asyncio.sleep(0)


def _kept_whole(scope: Scope) -> bool:
    """Whether such bodies are read into memory; others may be streams, or lie in files."""
    for name, value in scope["headers"]:
        if name == b"content-type":
            kind = value.partition(b";")[0].strip().lower()
            return bool(kind.endswith(b"json")) or kind == b"application/x-www-form-urlencoded"
    return False


def _is_plain_413(message: Message) -> bool:
    return message["status"] == 413 and any(
        name == b"content-type" and value.startswith(b"text/plain") for name, value in message.get("headers", ())
    )
