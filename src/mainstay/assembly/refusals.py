"""Every refusal in one shape: the exception handlers that an app starts with, each of which a user may replace."""

import logging
from collections.abc import Callable, Mapping
from functools import cache
from http import HTTPStatus
from typing import Any

from fastapi.exception_handlers import http_exception_handler, request_validation_exception_handler
from fastapi.exceptions import HTTPException as FastAPIHTTPException
from fastapi.exceptions import RequestValidationError
from starlette._utils import is_async_callable
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from mainstay.base.errors import FieldError, InternalError, Invalid, MalformedBody, Rejected
from mainstay.web import problem

LOGGER = logging.getLogger("mainstay.refused")
Handler = Callable[[Request, Any], Any]


async def refuse_rejected(request: Request, error: Rejected) -> Response:
    """Mainstay's own refusals. Handlers of the user's for HTTP and validation errors get them too, as such."""
    if error.fix:
        LOGGER.warning("%s %s", error, error.fix)
    handlers: Mapping[Any, Handler] = request.app.exception_handlers
    as_http = FastAPIHTTPException(error.status, error.detail or error.title, error.headers)
    if error.status in handlers:
        return await _handle(handlers[error.status], request, as_http)
    validation = handlers.get(RequestValidationError, refuse_validation)
    if error.status == 422 and validation not in OURS:
        found = [{"type": each.code, "loc": each.loc, "msg": each.message, "input": None} for each in error.errors]
        return await _handle(validation, request, RequestValidationError(found))
    http = handlers.get(FastAPIHTTPException) or handlers.get(HTTPException, refuse_http)
    if http not in OURS:
        return await _handle(http, request, as_http)
    return answer(request, error)


async def refuse_http(request: Request, error: HTTPException) -> Response:
    """Starlette's and FastAPI's HTTPException. Its headers are kept; a detail that is no text becomes `data`."""
    if error.status_code in (204, 304) or error.status_code < 200:
        return Response(status_code=error.status_code, headers=error.headers)
    kind = _refusal(error.status_code)
    refused = kind.__new__(kind)
    # An HTTPException's detail may be any JSON, whatever its annotation says.
    detail: Any = error.detail
    if isinstance(detail, str):
        Rejected.__init__(refused, detail, headers=error.headers)
    else:
        Rejected.__init__(refused, kind.title, headers=error.headers, extra={"data": detail})
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


async def refuse_http_here(request: Request, error: HTTPException) -> Response:
    """For an app that Mainstay came into: a problem on Mainstay's routes, FastAPI's own answer on the app's."""
    if request.app.answers_for(request.scope):
        return await refuse_http(request, error)
    return await http_exception_handler(request, error)


async def refuse_validation_here(request: Request, error: RequestValidationError) -> Response:
    """The same for refused parameters and bodies."""
    if request.app.answers_for(request.scope):
        return await refuse_validation(request, error)
    return await request_validation_exception_handler(request, error)


async def refuse_anything_here(request: Request, error: Exception) -> Response:
    """The same for what nobody expected."""
    if request.app.answers_for(request.scope):
        return await refuse_anything(request, error)
    return PlainTextResponse("Internal Server Error", status_code=500)


def handlers_beside(theirs: Mapping[Any, Handler]) -> dict[Any, Handler]:
    """The handlers of an app that Mainstay comes into: the user's, and FastAPI's own for the user's routes."""
    found = dict(theirs)
    found.setdefault(Rejected, refuse_rejected)
    for kind, fastapis, here in (
        (HTTPException, http_exception_handler, refuse_http_here),
        (RequestValidationError, request_validation_exception_handler, refuse_validation_here),
    ):
        if found.get(kind, fastapis) is fastapis:
            found[kind] = here
    if 500 not in found:
        found.setdefault(Exception, refuse_anything_here)
    return found


OURS = (refuse_http, refuse_http_here, refuse_validation, refuse_validation_here)
UNEXPECTED = (refuse_anything, refuse_anything_here)


async def _handle(handler: Handler, request: Request, error: Exception) -> Response:
    if is_async_callable(handler):
        response: Response = await handler(request, error)
    else:
        response = await run_in_threadpool(handler, request, error)
    return response


@cache
def _refusal(status: int) -> type[Rejected]:
    """The error class of this status: ours where there is one, so that codes don't depend on who refused."""
    for kind in Rejected.__subclasses__():
        if kind.status == status and kind.__module__ == Rejected.__module__:
            return kind
    phrase = next((each.phrase for each in HTTPStatus if each.value == status), "Refused")
    code = "".join(letter if letter.isalnum() else "_" for letter in phrase.lower())
    return type("Refused", (Rejected,), {"status": status, "title": phrase.capitalize(), "code": code})
