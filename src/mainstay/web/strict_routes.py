"""FastAPI routes that read JSON as strictly as the generated ones."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

from mainstay.base.errors import UnsupportedMediaType
from mainstay.web.strict_json import parse_json

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class StrictRequest(Request):
    """A request whose JSON was read by our own parser: no NaN, no NUL, no name twice."""

    value: Any = None

    async def json(self) -> Any:
        return self.value


class StrictRoute(APIRoute):
    """Reads JSON bodies strictly, and refuses other types with 415."""

    def get_route_handler(self) -> Handler:
        answer = super().get_route_handler()

        async def strictly(request: Request) -> Response:
            strict = StrictRequest(request.scope, request.receive)
            body = await strict.body() if self.body_field is not None else b""
            if body:
                kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
                if kind != "application/json" and not kind.endswith("+json"):
                    raise UnsupportedMediaType("Send this body as application/json.")
                strict.value = parse_json(body)
            return await answer(strict)

        return strictly
