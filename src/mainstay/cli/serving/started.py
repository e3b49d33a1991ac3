"""The app as a worker serves it: reporting its start, and refusing what no server should pass on."""

import sys
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from mainstay.assembly import Mainstay
from mainstay.base.errors import BadRequest, ConfigurationError, MainstayError, MethodNotAllowed, Rejected
from mainstay.base.ids import request_id
from mainstay.cli.frame.ending import Exit, Refusal, end_now
from mainstay.web import problem

Message = MutableMapping[str, Any]


class _Done:
    """Whether the app has closed all it had opened."""

    is_set = False


def leave_at_once() -> None:
    """End this process, if the app has closed all it had opened; for `atexit`."""
    if _Done.is_set:
        end_now(Exit.done)


_METHODS = "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"


async def _refuse_host(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1002})
        return
    sentence = "A request names its host once, in the header Host."
    await _refuse(BadRequest(sentence, headers={"Connection": "close"}), scope, send)


async def _refuse_tunnel(scope: Any, send: Any) -> None:
    headers = {"Allow": _METHODS, "Connection": "close"}
    await _refuse(MethodNotAllowed("This is no proxy: CONNECT leads nowhere.", headers=headers), scope, send)


async def _refuse(refusal: Rejected, scope: Any, send: Any) -> None:
    status, headers, body = problem(refusal, request_id(), scope["path"])
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class Started:
    """The app; `ready` is awaited when its start-up is complete, `refuse` is given what keeps it from starting."""

    def __init__(self, app: Mainstay, ready: Callable[[], Awaitable[None]], refuse: Callable[[Refusal], Any]) -> None:
        self._app = app
        self._ready = ready
        self._refuse = refuse

    def __call__(self, scope: Any, receive: Any, send: Any) -> Any:
        if scope["type"] == "lifespan":
            return self._lifespan(scope, receive, send)
        # RFC 9112 §3.2. Granian makes an empty one where there is none, and takes two: where a proxy and the app each
        # believe another of them, whoever sends them chooses whose rules hold.
        hosts = [value for name, value in scope["headers"] if name == b"host"]
        if (len(hosts) != 1 or not hosts[0]) and scope["http_version"] == "1.1":
            return _refuse_host(scope, receive, send)
        # RFC 9110 §9.3.6. Its target is no path: routers would redirect it to one.
        if scope["type"] == "http" and scope["method"] == "CONNECT":
            return _refuse_tunnel(scope, send)
        return self._app(scope, receive, send)

    async def _lifespan(self, scope: Any, receive: Any, send: Any) -> None:
        failed: dict[str, Any] = {}

        async def told(message: Message) -> None:
            if message["type"] == "lifespan.startup.failed":
                # Starlette's message is a traceback; it is told below, as what it means.
                failed.update(message)
                return
            if message["type"] == "lifespan.startup.complete":
                await self._ready()
            await send(message)

        try:
            await self._app(scope, receive, told)
        except MainstayError as error:
            what, fix = (error.what, error.fix) if isinstance(error, ConfigurationError) else (str(error), "")
            self._refuse(Refusal(Exit.configuration, "configuration", what, fix))
        except Exception:
            # Raised once more, after it was told of.
            if not failed:
                raise
        _Done.is_set = not failed
        if failed:
            print(failed.get("message", ""), file=sys.stderr)
            await send({"type": "lifespan.startup.failed"})
