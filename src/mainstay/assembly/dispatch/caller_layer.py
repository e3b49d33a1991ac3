"""Who is calling, for the app's own routes: filled in before they run."""

from collections.abc import Callable

from starlette.routing import Match
from starlette.types import ASGIApp, Receive, Scope, Send

from mainstay.assembly.dispatch.generated import GeneratedRoutes
from mainstay.base.context import Caller, acting, refusing
from mainstay.base.errors import Rejected
from mainstay.base.ports import Gate, Identify
from mainstay.web import reached_route


class CallerLayer:
    """Innermost layer: hands generated routes their request, and runs all others as whoever sent them.

    A proof that doesn't hold refuses nothing here: the route may be public, or have its own use for the header. It
    then runs without a caller; `app.records()` and Mainstay's dependencies refuse with what is in
    `scope["mainstay.refusal"]`.
    """

    def __init__(
        self,
        app: ASGIApp,
        generated: Callable[[], GeneratedRoutes],
        identify: Callable[[], Identify],
        gate: Callable[[], Gate],
    ) -> None:
        self._app = app
        self._generated = generated
        self._identify = identify
        self._gate = gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        reached_route(scope)
        generated = self._generated()
        if generated.matches(scope)[0] is Match.FULL:
            # The router would come to the same route; this spares its walk.
            await generated.handle(scope, receive, send)
            return
        headers, request_id = scope["headers"], scope.get("mainstay.request_id", "")
        identify, method = self._identify(), scope.get("method", "WEBSOCKET")
        try:
            caller = identify.recall(headers, request_id, method)
            if caller is None:
                caller = await identify.identify(headers, request_id, method)
        except Rejected as refusal:
            scope["mainstay.refusal"] = refusal
            await self._admit(scope, None)
            with refusing(refusal):
                await self._app(scope, receive, send)
            return
        scope["mainstay.caller"] = caller
        await self._admit(scope, caller)
        with acting(caller):
            await self._app(scope, receive, send)

    async def _admit(self, scope: Scope, caller: Caller | None) -> None:
        gate = self._gate()
        if scope["type"] == "http" and not gate.admit_now(scope, caller):
            await gate.admit(scope, caller)
