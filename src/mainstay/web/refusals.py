"""For a FastAPI app that uses single rooms: what they refuse becomes an answer."""

from fastapi import FastAPI, Request, Response

from mainstay.base.errors import Rejected
from mainstay.web.problems import problem


def answer_refusals(app: FastAPI) -> None:
    """Answer every Rejected with its problem document (RFC 9457), unless the app has a handler for it."""
    app.exception_handlers.setdefault(Rejected, _answer)


async def _answer(request: Request, error: Rejected) -> Response:
    status, headers, body = problem(error, request.scope.get("mainstay.request_id", ""), request.scope["path"])
    response = Response(body, status)
    response.raw_headers = headers
    return response
