"""Limits in FastAPI: dependencies for single routes, and the layer that counts every request of a plain app."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mainstay.base.errors import ConfigurationError, Rejected
from mainstay.limits.allowance import LimitState
from mainstay.limits.limiter import Limiter
from mainstay.limits.rate import RouteLimit
from mainstay.limits.routing import RoutePolicy
from mainstay.web import problem


def limited(limit: str) -> Callable[[Request], Awaitable[None]]:
    """A dependency that holds a route to a limit of its own, beside the caller's tier: `Depends(limited("5/minute"))`.

    Counted for each caller, or `by address`, `by tenant`, `by everyone`. Routes under one router's dependency each
    have their own. Raises TooManyRequests, and ConfigurationError for a limit that is none.
    """
    parsed = RouteLimit.parse(limit)
    if parsed.loose:
        raise ConfigurationError(
            f"limited({limit!r}) comes after the caller's tier has been counted, so it cannot stand in its place.",
            fix="Name the route in LimitsOptions(routes={...}).",
        )
    policies: dict[str, RoutePolicy] = {}

    async def holds(request: Request) -> None:
        scope = request.scope
        route = f"{scope['method']} {getattr(scope.get('route'), 'path_format', '') or scope.get('mainstay.route', '')}"
        policy = policies.get(route)
        if policy is None:
            policy = policies[route] = RoutePolicy(f"{route} {limit}", parsed)
        await _limiter(request).hold_to(scope, scope.get("mainstay.caller"), policy, policy.by)

    # For whoever looks, before the app starts, whether it will hold.
    holds.held_to = limit  # type: ignore[attr-defined]  # functions may be written on
    return holds


async def limit_state(request: Request) -> LimitState:
    """Where the caller of this request stands: `Annotated[LimitState, Depends(limit_state)]`."""
    return await _limiter(request).state(request.scope, request.scope.get("mainstay.caller"))


def limit_requests(app: FastAPI, limiter: Limiter) -> None:
    """Count every request of a plain FastAPI app; a `Mainstay` app does so by itself.

    Adds a layer, opens and closes the limiter with the app, and answers refusals as problem+json.
    """
    app.state.limits = limiter
    app.add_middleware(_Layer, limiter=limiter)
    app.exception_handlers.setdefault(Rejected, _refuse)
    users = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[Any]:
        await limiter.open()
        try:
            async with users(app) as state:
                yield state
        finally:
            await limiter.close()

    app.router.lifespan_context = lifespan


class _Layer:
    def __init__(self, app: ASGIApp, limiter: Limiter) -> None:
        self._app = app
        self._limiter = limiter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *scope.get("mainstay.headers", ())]
            await send(message)

        try:
            caller = scope.get("mainstay.caller")
            if not self._limiter.admit_now(scope, caller):
                await self._limiter.admit(scope, caller)
        except Rejected as refusal:
            await _answer(scope, refusal)(scope, receive, send_with_headers)
            return
        await self._app(scope, receive, send_with_headers)


def _limiter(request: Request) -> Limiter:
    found = request.scope.get("mainstay.limiter") or getattr(request.app.state, "limits", None)
    if not isinstance(found, Limiter):
        raise ConfigurationError(
            "This route has a limit, and its app has no limiter.",
            fix="Serve it with Mainstay, or call mainstay.limits.limit_requests(app, limiter).",
        )
    return found


async def _refuse(request: Request, refusal: Rejected) -> Response:
    return _answer(request.scope, refusal)


def _answer(scope: Scope, refusal: Rejected) -> Response:
    status, headers, body = problem(refusal, scope.get("mainstay.request_id", ""), scope["path"])
    response = Response(body, status)
    response.raw_headers = headers
    return response
