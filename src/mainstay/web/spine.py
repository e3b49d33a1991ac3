"""The outermost layer of every request: its id, its log line, and the answer when all else breaks."""

import logging
import re
import time
from collections.abc import Sequence
from typing import Any

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mainstay.base.errors import InternalError, Rejected
from mainstay.base.ids import request_id as fresh_request_id
from mainstay.base.ports import Observer
from mainstay.web.access_log import AccessLog
from mainstay.web.body import incomplete
from mainstay.web.responses import send_problem

ERROR_LOGGER = logging.getLogger("mainstay.error")
CLIENT_CLOSED_REQUEST = 499

# What may be echoed and logged as it came: no spaces, no control characters, no markup.
_SANE_ID = re.compile(rb"[A-Za-z0-9._:@/+=-]{8,128}")
_SANE_SCOPE_KEY = "mainstay.request_id"


class Spine:
    """Gives each request an id (`X-Request-ID`, kept when the caller sent a sane one) and one line in the log.

    Whoever learns the caller puts it into `scope["mainstay.caller"]`; the line then names tenant and user.
    A Rejected that nobody turned into an answer becomes its problem; any other exception becomes a 500 problem
    that says nothing but the request id, while the traceback goes to the logger `mainstay.error`. Headers that parts
    left in `scope["mainstay.headers"]` go out with every answer.
    """

    def __init__(self, app: ASGIApp, log: AccessLog, observers: Sequence[Observer] = ()) -> None:
        self._app = app
        self._log = log
        self._observers = tuple(observers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "websocket":
                scope[_SANE_SCOPE_KEY] = _request_id(scope)
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        request_id = _request_id(scope)
        scope[_SANE_SCOPE_KEY] = request_id
        added = ((b"x-request-id", request_id.encode()), (b"x-content-type-options", b"nosniff"))
        status = 0
        for observer in self._observers:
            observer.started(scope)

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), *added, *scope.get("mainstay.headers", ())]
            await send(message)

        try:
            await self._app(scope, receive, send_with_id)
        except ClientDisconnect:
            if not status:
                await send_problem(send_with_id, scope, incomplete())
                status = CLIENT_CLOSED_REQUEST
        except Rejected as error:
            if status:
                raise
            await send_problem(send_with_id, scope, error)
        except Exception as error:
            _report(scope, request_id, error)
            if not status:
                await send_problem(send_with_id, scope, InternalError(f"Quote the request id {request_id}."))
            if _under_test(scope):
                raise
        finally:
            if self._log.enabled:
                self._log.write(_entry(scope, status, started))
            for observer in self._observers:
                observer.finished(scope, status, time.perf_counter() - started)


def _request_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            if _SANE_ID.fullmatch(value):
                return str(value, "ascii")
            break
    return fresh_request_id()


def _entry(scope: Scope, status: int, started: float) -> dict[str, Any]:
    caller = scope.get("mainstay.caller")
    return {
        "method": scope["method"],
        "path": scope["path"],
        "status": status,
        "duration_ms": round((time.perf_counter() - started) * 1000, 2),
        "request_id": scope[_SANE_SCOPE_KEY],
        "tenant": caller.scope.key if caller is not None and caller.scope is not None else None,
        "user": (caller.actor.key or None) if caller is not None else None,
    }


def _report(scope: Scope, request_id: str, error: Exception) -> None:
    ERROR_LOGGER.error("%s %s failed, request id %s", scope["method"], ascii(scope["path"]), request_id, exc_info=error)


def _under_test(scope: Scope) -> bool:
    # Starlette's TestClient offers this extension, and its users expect a broken route to raise in the test.
    return "http.response.debug" in scope.get("extensions", {})
