"""Every refusal in one shape: the exception handlers that an app starts with, each of which a user may replace."""

from collections.abc import Callable
from functools import cache
from http import HTTPStatus
from typing import Any

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from mainstay.base.errors import FieldError, InternalError, Invalid, MalformedBody, Rejected
from mainstay.web import problem

Handler = Callable[[Request, Any], Any]


async def refuse_rejected(request: Request, error: Rejected) -> Response:
    """Mainstay's own refusals."""
    return answer(request, error)


async def refuse_http(request: Request, error: HTTPException) -> Response:
    """Starlette's and FastAPI's HTTPException. Its headers are kept; a detail that is no text becomes `data`."""
    if error.status_code in (204, 304) or error.status_code < 200:
        return Response(status_code=error.status_code, headers=error.headers)
    kind = _refusal(error.status_code)
    refused = kind.__new__(kind)
    text, data = (error.detail, {}) if isinstance(error.detail, str) else (kind.title, {"data": error.detail})
    Rejected.__init__(refused, text, headers=error.headers, extra=data)
    return answer(request, refused)


async def refuse_validation(request: Request, error: RequestValidationError) -> Response:
    """Parameters and bodies that FastAPI refused: 422 with each place and reason, 400 for a body that is no JSON."""
    found = error.errors()
    if found and found[0]["type"] == "json_invalid":
        return answer(request, MalformedBody("The body is not JSON."))
    errors = [FieldError(tuple(each["loc"]), each["type"], each["msg"]) for each in found]
    return answer(request, Invalid("Some of the values are not acceptable.", errors=errors))


async def refuse_anything(request: Request, error: Exception) -> Response:
    """Whatever nobody expected. The traceback goes to the log; the caller gets a request id to quote."""
    return answer(request, InternalError(f"Quote the request id {request.scope.get('mainstay.request_id', '')}."))


def answer(request: Request, error: Rejected) -> Response:
    """The problem document for this request."""
    status, headers, body = problem(error, request.scope.get("mainstay.request_id", ""), request.scope["path"])
    response = Response(body, status)
    response.raw_headers = headers
    return response


def default_handlers() -> dict[Any, Handler]:
    """By exception class, in the form FastAPI takes."""
    return {
        Rejected: refuse_rejected,
        HTTPException: refuse_http,
        RequestValidationError: refuse_validation,
        Exception: refuse_anything,
    }


@cache
def _refusal(status: int) -> type[Rejected]:
    """The error class of this status: ours where there is one, so that codes don't depend on who refused."""
    for kind in Rejected.__subclasses__():
        if kind.status == status and kind.__module__ == Rejected.__module__:
            return kind
    phrase = next((each.phrase for each in HTTPStatus if each.value == status), "Refused")
    code = "".join(letter if letter.isalnum() else "_" for letter in phrase.lower())
    return type("Refused", (Rejected,), {"status": status, "title": phrase.capitalize(), "code": code})
