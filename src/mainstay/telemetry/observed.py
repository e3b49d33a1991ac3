"""The room alone: around any ASGI app, as middleware."""

from starlette.types import ASGIApp, Receive, Scope, Send

from mainstay.telemetry.telemetry import Telemetry
from mainstay.web import Spine


class Observed:
    """Request ids, problems, access log, figures and traces around an app; opened and closed with its lifespan.

    `app.add_middleware(Observed, telemetry=telemetry)`, as the last one that is added.
    """

    def __init__(self, app: ASGIApp, telemetry: Telemetry) -> None:
        self._app, self._telemetry = app, telemetry
        self._spine = Spine(app, telemetry.access_log, [telemetry.observer])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            async with self._telemetry.running():
                await self._app(scope, receive, send)
        else:
            await self._spine(scope, receive, send)
