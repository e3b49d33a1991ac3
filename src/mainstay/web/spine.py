"""The outermost layer of every request: its id, its log line, and the answer when all else breaks."""

import logging
import re
import time
from collections.abc import Awaitable, Mapping, Sequence
from typing import Protocol

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mainstay.base.errors import InternalError, Rejected, Unavailable
from mainstay.base.ids import request_id as fresh_request_id
from mainstay.base.ports import Observer
from mainstay.web.access_log import AccessLog
from mainstay.web.body import incomplete
from mainstay.web.headers import Edge, Reply
from mainstay.web.problems import problem
from mainstay.web.responses import Header, send_problem

ERROR_LOGGER = logging.getLogger("mainstay.error")
CLIENT_CLOSED_REQUEST = 499

# What may be echoed and logged as it came: no spaces, no control characters, no markup.
_SANE_ID = re.compile(rb"[A-Za-z0-9._:@/+=-]{8,128}")
_SANE_SCOPE_KEY = "mainstay.request_id"
_NOBODY = Edge()
# Whoever watches a worker has to hear that it lives, busy or not.
_HEALTH = frozenset({"/livez", "/readyz"})


class Direct(Protocol):
    """Answers some requests itself, in one piece, past the app's stack.

    `headers` are those of the scope by name; of one that stands twice, its last value.
    """

    def takes(self, scope: Scope, headers: Mapping[bytes, bytes]) -> bool:
        """Whether this request is one of them."""
        ...

    def answer_now(self, scope: Scope, headers: Mapping[bytes, bytes]) -> tuple[int, list[Header], bytes] | None:
        """As `answer`, where nothing has to be waited for; else None."""
        ...

    def answer(self, scope: Scope, receive: Receive) -> Awaitable[tuple[int, list[Header], bytes]]:
        """Status, headers, and the body that an answer to HEAD leaves out. Raises base.Rejected to refuse."""
        ...


class Spine:
    """Gives each request an id (`X-Request-ID`, kept when the caller sent a sane one) and one line in the log.

    Whoever learns the caller puts it into `scope["mainstay.caller"]`; the line then names tenant and user.
    A Rejected that nobody turned into an answer becomes its problem; any other exception becomes a 500 problem
    that says nothing but the request id, while the traceback goes to the logger `mainstay.error`. Headers that parts
    left in `scope["mainstay.headers"]` go out with every answer. What `direct` takes, the app never sees. While `most`
    requests are under way, another one is refused with 503 before anything is done for it, but for those of health.
    """

    def __init__(
        self,
        app: ASGIApp,
        log: AccessLog,
        observers: Sequence[Observer] = (),
        direct: Direct | None = None,
        edge: Edge = _NOBODY,
        most: int = 1_000_000,
    ) -> None:
        self._app = app
        self._direct = direct
        self._edge = edge
        self._most, self._under_way = most, 0
        self._turned_away = None if edge.open else edge.turned_away
        self._observers: tuple[Observer, ...] = (*([log] if log.enabled else []), *observers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "websocket":
                sent = dict(scope["headers"])
                scope[_SANE_SCOPE_KEY] = _request_id(sent.get(b"x-request-id", b""))
                if self._turned_away is not None and self._turned_away(scope, sent) is not None:
                    await send({"type": "websocket.close", "code": 1008})
                    return
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        sent = dict(scope["headers"])
        wanted = sent.get(b"x-request-id")
        scope[_SANE_SCOPE_KEY] = fresh_request_id() if wanted is None else _request_id(wanted)
        for observer in self._observers:
            observer.started(scope)
        self._under_way += 1
        direct = self._direct
        if self._under_way > self._most and scope["path"] not in _HEALTH:
            await self._turn_away(scope, send, _refused(scope, _busy()), started)
            return
        if self._turned_away is not None:
            reply = self._turned_away(scope, sent)
            if reply is not None:
                await self._turn_away(scope, send, reply, started)
                return
        if direct is None or not direct.takes(scope, sent):
            await self._pass_on(scope, receive, send, started)
            return
        # Here and not in a method of its own: a coroutine more costs a microsecond of every request.
        status, failure = 0, None
        try:
            try:
                status, headers, body = direct.answer_now(scope, sent) or await direct.answer(scope, receive)
            except Rejected as error:
                status, headers, body = _refused(scope, error)
            except ClientDisconnect:
                _, headers, body = _refused(scope, incomplete())
                status = CLIENT_CLOSED_REQUEST
            except Exception as error:
                failure = error
                status, headers, body = _refused(scope, _report(scope, error))
            headers += [*_added(scope), *self._edge.data]
            shown = 400 if status == CLIENT_CLOSED_REQUEST else status
            await send({"type": "http.response.start", "status": shown, "headers": headers})
            await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
        finally:
            self._finish(scope, status, started)
        if failure is not None and _under_test(scope):
            raise failure

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send, started: float) -> None:
        status, edge = 0, self._edge

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = edge.complete(scope, [*message.get("headers", ()), *_added(scope)])
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
            unexpected = _report(scope, error)
            if not status:
                await send_problem(send_with_id, scope, unexpected)
            if _under_test(scope):
                raise
        finally:
            self._finish(scope, status, started)

    async def _turn_away(self, scope: Scope, send: Send, reply: Reply, started: float) -> None:
        status, headers, body = reply
        try:
            told = [*headers, *_added(scope), *self._edge.data]
            await send({"type": "http.response.start", "status": status, "headers": told})
            await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
        finally:
            self._finish(scope, status, started)

    def _finish(self, scope: Scope, status: int, started: float) -> None:
        self._under_way -= 1
        seconds = time.perf_counter() - started
        for observer in self._observers:
            observer.finished(scope, status, seconds)


def _busy() -> Unavailable:
    return Unavailable("Too many requests are under way here; try again.", retry_after=1, code="busy")


def _added(scope: Scope) -> list[Header]:
    """The headers that every answer carries, beside the edge's."""
    return [(b"x-request-id", scope[_SANE_SCOPE_KEY].encode()), *scope.get("mainstay.headers", ())]


def _refused(scope: Scope, error: Rejected) -> tuple[int, list[Header], bytes]:
    return problem(error, scope[_SANE_SCOPE_KEY], scope["path"])


def _request_id(wanted: bytes) -> str:
    return str(wanted, "ascii") if _SANE_ID.fullmatch(wanted) else fresh_request_id()


def _report(scope: Scope, error: Exception) -> InternalError:
    """Tell the operator what happened; the caller is told how to ask for it."""
    request_id = scope[_SANE_SCOPE_KEY]
    scope["mainstay.error"] = error
    ERROR_LOGGER.error("%s %s failed, request id %s", scope["method"], ascii(scope["path"]), request_id, exc_info=error)
    return InternalError(f"Quote the request id {request_id}.")


def _under_test(scope: Scope) -> bool:
    # Starlette's TestClient offers this extension, and its users expect a broken route to raise in the test.
    return "http.response.debug" in scope.get("extensions", {})
