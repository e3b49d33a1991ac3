"""One worker process: loads the app, and says in a sentence why it cannot start."""

import atexit
import contextlib
import logging
import os
import sys
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from mainstay.assembly import Mainstay
from mainstay.base.errors import BadRequest, ConfigurationError, MainstayError
from mainstay.base.ids import request_id
from mainstay.cli.frame.ending import Exit, ending, say_error
from mainstay.cli.serving.connections import let_go_of_the_stalled
from mainstay.cli.serving.parent import end_with_parent
from mainstay.cli.serving.plan import Plan, loaded_for
from mainstay.web import problem

Message = MutableMapping[str, Any]


@dataclass(frozen=True, slots=True)
class Worker:
    """Granian calls this in each worker process, for the app to serve."""

    plan: Plan
    ready: Connection

    def __call__(self) -> "Started":
        end_with_parent()
        atexit.register(_leave_at_once)
        let_go_of_the_stalled(self.plan.port)
        with ending(as_json=False):
            return Started(loaded_for(self.plan.target, self.plan.settings).app, self._tell)

    def _tell(self) -> None:
        # Without a parent there is nobody to tell, and this process is about to end.
        with contextlib.suppress(OSError):
            self.ready.send_bytes(b"ready")


class _Done:
    """Whether the app has closed all it had opened."""

    is_set = False


def _leave_at_once() -> None:
    # What is left is Python taking its modules apart, which takes longer than all that came before.
    if _Done.is_set:
        logging.shutdown()
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        os._exit(0)


async def _refuse_host(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1002})
        return
    refusal = BadRequest("A request names its host once, in the header Host.", headers={"Connection": "close"})
    status, headers, body = problem(refusal, request_id(), scope["path"])
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class Started:
    """The app, reporting when its start-up is complete. What it refuses to start for becomes a sentence."""

    def __init__(self, app: Mainstay, ready: Callable[[], None]) -> None:
        self._app = app
        self._ready = ready

    def __call__(self, scope: Any, receive: Any, send: Any) -> Any:
        if scope["type"] == "lifespan":
            return self._lifespan(scope, receive, send)
        # RFC 9112 §3.2. Granian makes an empty one where there is none, and takes two: where a proxy and the app each
        # believe another of them, whoever sends them chooses whose rules hold.
        hosts = [value for name, value in scope["headers"] if name == b"host"]
        if (len(hosts) != 1 or not hosts[0]) and scope["http_version"] == "1.1":
            return _refuse_host(scope, receive, send)
        return self._app(scope, receive, send)

    async def _lifespan(self, scope: Any, receive: Any, send: Any) -> None:
        failed: dict[str, Any] = {}

        async def told(message: Message) -> None:
            if message["type"] == "lifespan.startup.failed":
                # Starlette's message is a traceback; it is told below, as what it means.
                failed.update(message)
                return
            if message["type"] == "lifespan.startup.complete":
                self._ready()
            await send(message)

        try:
            await self._app(scope, receive, told)
        except MainstayError as error:
            what, fix = (error.what, error.fix) if isinstance(error, ConfigurationError) else (str(error), "")
            say_error("configuration", what, fix, as_json=False)
            sys.exit(Exit.configuration)
        _Done.is_set = not failed
        if failed:
            print(failed.get("message", ""), file=sys.stderr)
            await send({"type": "lifespan.startup.failed"})
