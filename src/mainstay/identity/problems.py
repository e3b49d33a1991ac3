"""How the refusals of a route are documented."""

from typing import Any

from mainstay.base.errors import Rejected

_TEXT = {"type": "string"}
_ERROR = {
    "type": "object",
    "required": ["loc", "code", "message"],
    "properties": {
        "loc": {"type": "array", "items": {"anyOf": [_TEXT, {"type": "integer"}]}},
        "code": _TEXT,
        "message": _TEXT,
    },
}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["type", "title", "status", "code"],
    "properties": {
        "type": _TEXT,
        "title": _TEXT,
        "status": {"type": "integer"},
        "detail": _TEXT,
        "instance": _TEXT,
        "code": _TEXT,
        "request_id": _TEXT,
        "errors": {"type": "array", "items": _ERROR},
    },
}


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The OpenAPI entries of these statuses, each a problem (RFC 9457)."""
    titles = {kind.status: kind.title for kind in Rejected.__subclasses__()}
    return {
        status: {"description": titles[status], "content": {"application/problem+json": {"schema": SCHEMA}}}
        for status in statuses
    }
