"""The generated routes as one route of the app: what comes before them, and what they leave to the user's own."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from fastapi import params
from fastapi.dependencies.models import Dependant
from fastapi.dependencies.utils import get_dependant, get_parameterless_sub_dependant, solve_dependencies
from fastapi.exceptions import RequestValidationError
from starlette._utils import get_route_path
from starlette.requests import Request
from starlette.routing import BaseRoute, Match, NoMatchFound
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mainstay.web import parse_json


class GeneratedRoutes(BaseRoute):
    """Everything under the prefix. The app's own routes there, `yielding`, are asked before the generated ones."""

    def __init__(self, app: ASGIApp, prefix: str) -> None:
        self.app = app
        self._below = prefix + "/"
        self.path = prefix
        self.path_format = prefix + "/{path}"
        self.yielding: tuple[BaseRoute, ...] = ()

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if scope["type"] != "http":
            return Match.NONE, {}
        if not get_route_path(scope).startswith(self._below):
            return Match.NONE, {}
        for route in self.yielding:
            if route.matches(scope)[0] is Match.FULL:
                return Match.NONE, {}
        return Match.FULL, {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)

    def url_path_for(self, name: str, /, **path_params: Any) -> Any:
        raise NoMatchFound(name, path_params)


class AfterDependencies:
    """An ASGI app behind FastAPI dependencies: they are solved, overridden and cleaned up as for any path operation.

    Headers that a dependency sets on its `Response` are added to the answer; its background tasks run after it.
    A body that a dependency reads is read again by the app.
    """

    def __init__(self, app: ASGIApp, dependencies: Sequence[params.Depends], overrides: Any) -> None:
        self._app = app
        self._overrides = overrides
        self._dependant = _dependant_of(dependencies)
        self._body_names = set(_body_names(self._dependant))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        kept = _KeptBody(receive)
        request = Request(scope, kept.receive, send)
        async with _exit_stacks(scope) as stack:
            solved = await solve_dependencies(
                request=request,
                dependant=self._dependant,
                body=parse_json(await request.body()) if self._body_names else None,
                dependency_overrides_provider=self._overrides,
                async_exit_stack=stack,
                embed_body_fields=len(self._body_names) > 1,
            )
            if solved.errors:
                raise RequestValidationError(solved.errors)
            extra = solved.response.headers.raw

            async def send_with_headers(message: Message) -> None:
                if extra and message["type"] == "http.response.start":
                    message["headers"] = [*message["headers"], *extra]
                await send(message)

            await self._app(scope, kept.replay, send_with_headers)
            if solved.background_tasks is not None:
                await solved.background_tasks()


class _KeptBody:
    """Remembers the messages that one reader took, for the next reader."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._kept: list[Message] = []

    async def receive(self) -> Message:
        message = await self._receive()
        self._kept.append(message)
        return message

    async def replay(self) -> Message:
        return self._kept.pop(0) if self._kept else await self._receive()


def _dependant_of(dependencies: Sequence[params.Depends]) -> Dependant:
    def nothing() -> None:
        return None

    dependant = get_dependant(path="/", call=nothing, scope="function")
    for depends in dependencies:
        dependant.dependencies.append(get_parameterless_sub_dependant(depends=depends, path="/"))
    return dependant


def _body_names(dependant: Dependant) -> Iterator[str]:
    yield from (each.name for each in dependant.body_params)
    for below in dependant.dependencies:
        yield from _body_names(below)


@asynccontextmanager
async def _exit_stacks(scope: Scope) -> AsyncIterator[AsyncExitStack]:
    # FastAPI keeps the clean-up of `yield` dependencies in these two places of the scope.
    async with AsyncExitStack() as request_stack:
        scope["fastapi_inner_astack"] = request_stack
        async with AsyncExitStack() as function_stack:
            scope["fastapi_function_astack"] = function_stack
            yield request_stack
