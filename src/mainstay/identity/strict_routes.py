"""Routes that read JSON strictly, and one that answers in the words of OAuth."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

from mainstay.base.errors import BadRequest, SignInRequired, UnsupportedMediaType
from mainstay.identity.errors import ScopeRefused
from mainstay.web import parse_json

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


class GrantRoute(APIRoute):
    """Answers refusals in the words of RFC 6749 §5.2, as members of a problem."""

    def get_route_handler(self) -> Handler:
        answer = super().get_route_handler()

        async def in_oauth_words(request: Request) -> Response:
            try:
                return await answer(request)
            except RequestValidationError as error:
                raise _unreadable(error) from None
            except SignInRequired as error:
                raise oauth("invalid_grant", error.detail) from None
            except ScopeRefused as error:
                raise oauth("invalid_scope", error.detail) from None

        return in_oauth_words


def oauth(error: str, detail: str) -> BadRequest:
    return BadRequest(detail, code=error, extra={"error": error, "error_description": detail})


def _unreadable(error: RequestValidationError) -> BadRequest:
    faults = {str(each["loc"][-1]): str(each["type"]) for each in error.errors()}
    if faults.get("grant_type", "missing") != "missing":
        return oauth("unsupported_grant_type", "This endpoint takes grant_type=password.")
    if faults.keys() == {"scope"}:
        return oauth("invalid_scope", "The scope is a list of names with one blank between them.")
    return oauth("invalid_request", f"Look at: {', '.join(sorted(faults))}.")
