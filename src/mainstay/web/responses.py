"""Answers as bytes, straight to the server."""

from collections.abc import Iterable

from starlette.types import Scope, Send

from mainstay.base.errors import Rejected
from mainstay.web.problems import problem

Header = tuple[bytes, bytes]


async def send_bytes(send: Send, status: int, headers: Iterable[Header], body: bytes = b"") -> None:
    """A whole answer in two messages. Content-Length must be among the headers where the status allows one."""
    await send({"type": "http.response.start", "status": status, "headers": list(headers)})
    await send({"type": "http.response.body", "body": body})


async def send_problem(send: Send, scope: Scope, error: Rejected, more: Iterable[Header] = ()) -> None:
    """Refuse this request; a HEAD request is given the headers alone. `more` are headers beside the problem's own."""
    status, headers, body = problem(error, scope.get("mainstay.request_id", ""), scope["path"])
    await send_bytes(send, status, [*headers, *more], b"" if scope["method"] == "HEAD" else body)
