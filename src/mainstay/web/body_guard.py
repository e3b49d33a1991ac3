"""Bodies of the app's own routes: the slow are cut off, and every refusal of a body has one shape."""

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mainstay.base.errors import Rejected, RequestTimeout
from mainstay.web.body import BodyLimits, too_large
from mainstay.web.responses import send_problem


class BodyGuard:
    """Holds whoever reads a body to its minimum rate, and answers 408 in the reader's place.

    Starlette's own body limit answers 413 in plain text, past the exception handlers; here it becomes a problem.
    """

    def __init__(self, app: ASGIApp, limits: BodyLimits) -> None:
        self._app = app
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        guarded = _Guarded(scope, receive, send, self._limits)
        await self._app(scope, guarded.receive, guarded.send)


class _Guarded:
    __slots__ = ("_done", "_limits", "_receive", "_refusal", "_replaced", "_scope", "_send", "_since", "_total")

    def __init__(self, scope: Scope, receive: Receive, send: Send, limits: BodyLimits) -> None:
        self._scope, self._receive, self._send, self._limits = scope, receive, send, limits
        self._since: float | None = None
        self._total = 0
        self._done = False
        self._refusal: Rejected | None = None
        self._replaced = False

    async def receive(self) -> Message:
        if self._done:
            return await self._receive()
        loop = asyncio.get_running_loop()
        self._since = self._since or loop.time()
        due = self._since + self._limits.grace + self._total / self._limits.minimum_rate
        try:
            async with asyncio.timeout_at(due):
                message = await self._receive()
        except TimeoutError:
            self._refusal = RequestTimeout()
            raise self._refusal from None
        self._total += len(message.get("body", b""))
        # What comes after the body is the wait for the caller to hang up, which may be long.
        self._done = not message.get("more_body", False)
        return message

    async def send(self, message: Message) -> None:
        if self._replaced:
            return
        if message["type"] == "http.response.start":
            refusal = self._refusal or (too_large(self._limits.size) if _is_plain_413(message) else None)
            if refusal is not None:
                self._replaced = True
                await send_problem(self._send, self._scope, refusal)
                return
        await self._send(message)


def _is_plain_413(message: Message) -> bool:
    return message["status"] == 413 and any(
        name == b"content-type" and value.startswith(b"text/plain") for name, value in message.get("headers", ())
    )
