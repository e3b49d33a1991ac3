"""The generated routes where nothing of the user's stands before them: the Spine sends their answers itself."""

from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from starlette.routing import Match
from starlette.types import Receive, Scope

from mainstay.assembly.dispatch.generated import GeneratedRoutes
from mainstay.assembly.dispatch.lanes import Lanes
from mainstay.resources.rest import Reply, RestRoutes
from mainstay.web.cors import VARY, CorsRules

Headers = Mapping[bytes, bytes]


class DirectRoutes:
    """mainstay.web.Direct. Where `cors` holds rules, requests that a page of another origin sent are left to the stack,
    which goes by them.
    """

    def __init__(self, routes: GeneratedRoutes, rest: RestRoutes, lanes: Lanes, app: Any, cors: CorsRules) -> None:
        self._routes = routes
        self._below = routes.path + "/"
        self._rest_answer = rest.answer
        self._app = app
        self._cors = cors
        # A read that its caller repeats is answered without a coroutine: None for every other.
        self.answer_now: Callable[[Scope, Headers], Reply | None] = lanes.answer_now

    def takes(self, scope: Scope, headers: Headers) -> bool:
        routes = self._routes
        if scope.get("root_path") or routes.yielding:
            if routes.matches(scope)[0] is not Match.FULL:
                return False
        elif not scope["path"].startswith(self._below):
            return False
        if self._cors.any:
            if b"origin" in headers:
                return False
            # A cache would hand this very answer to a page later.
            scope.setdefault("mainstay.headers", []).append(VARY)
        return True

    def answer(self, scope: Scope, receive: Receive) -> Coroutine[Any, Any, Reply]:
        scope["app"] = self._app
        return self._rest_answer(scope, receive)
