"""Refusals as application/problem+json: the one shape in which an error leaves (RFC 9457)."""

import json
from typing import Any

import orjson

from mainstay.base.errors import Rejected

PROBLEM_JSON = b"application/problem+json"
CHALLENGE = b'Bearer realm="mainstay"'
RawHeaders = list[tuple[bytes, bytes]]


def problem_dict(error: Rejected, request_id: str, instance: str) -> dict[str, Any]:
    """The members of a problem: type, title, status, detail, instance, code, request_id, errors, extensions."""
    members: dict[str, Any] = {
        "type": f"urn:mainstay:problem:{error.problem_code}",
        "title": error.title,
        "status": error.status,
        "detail": error.detail or str(error),
        "instance": instance,
        "code": error.problem_code,
        "request_id": request_id,
    }
    if error.errors:
        members["errors"] = [each.as_dict() for each in error.errors]
    for name, value in error.extra.items():
        members.setdefault(name, value)
    return members


def problem(error: Rejected, request_id: str, instance: str) -> tuple[int, RawHeaders, bytes]:
    """Status, headers and body of the answer to a refused request."""
    body = encode(problem_dict(error, request_id, instance))
    headers: RawHeaders = [(b"content-type", PROBLEM_JSON), (b"content-length", b"%d" % len(body))]
    # A cache that kept a refusal would hand it to the caller who has signed in meanwhile.
    headers.append((b"cache-control", b"no-store"))
    headers.extend((name.lower().encode("latin-1"), _header_value(value)) for name, value in error.headers.items())
    if error.status in (401, 403) and not any(name == b"www-authenticate" for name, _ in headers):
        headers.append((b"www-authenticate", CHALLENGE))
    return error.status, headers, body


def encode(members: dict[str, Any]) -> bytes:
    """JSON of members that may quote whatever the caller sent; what UTF-8 cannot say becomes `?`."""
    try:
        return orjson.dumps(members)
    except TypeError:
        text = json.dumps(members, ensure_ascii=False, default=str)
        return text.encode("utf-8", "replace")


def _header_value(value: str) -> bytes:
    # Values may quote a caller's words: a line break in one would start a header of the caller's choice.
    return " ".join(value.split()).encode("latin-1", "replace")
