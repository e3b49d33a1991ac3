"""Every status that a generated operation can answer, in words."""

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from mainstay.base.proof import STRONG, Proof

_WHEN = {
    400: "The request cannot be understood: an unknown parameter, a refused cursor, a body that is no JSON.",
    401: "No valid proof of who is calling.",
    403: "You are known, and may not do this.",
    404: "Nothing with that name is visible to you.",
    405: "This path does not answer to the method; `Allow` names those it answers to.",
    408: "The body came too slowly.",
    409: "What is stored contradicts the request: a value that must be unique, a row referred to that is not there.",
    412: "The row has changed since the version in If-Match.",
    413: "The body is over the limit; it was not read.",
    415: "The body's content type is not one that is read here.",
    422: "Understood, but the values are not acceptable; `errors` says which and why.",
    428: "This resource is changed only with If-Match.",
    429: "Too many requests; try again after `Retry-After`.",
    500: "Something broke on our side.",
    503: "The database is away or too busy; try again after `Retry-After`.",
    507: "The disk is full; nothing was written.",
}
_EXTRA_HEADERS: dict[int, dict[str, Any]] = {
    401: {"WWW-Authenticate": {"schema": {"type": "string"}, "description": "How to prove it (RFC 6750)."}},
    405: {"Allow": {"schema": {"type": "string"}}},
    503: {"Retry-After": {"schema": {"type": "string"}, "description": "Seconds."}},
}
READING = (400, 401, 403, 404, 429, 500, 503)
WRITING = (400, 401, 403, 404, 408, 409, 412, 413, 415, 422, 428, 429, 500, 503, 507)


def refusals(statuses: Iterable[int]) -> dict[str, Any]:
    """References to the shared responses of these statuses."""
    return {str(status): {"$ref": f"#/components/responses/Problem{status}"} for status in statuses}


def stepping_up(proof: Proof) -> dict[str, Any]:
    """The 401 of an operation that asks for a proof of lately."""
    found = _response(401, f"{_WHEN[401]} Or: {in_words(proof)} is asked for (`insufficient_user_authentication`).")
    text = (
        'Bearer error="insufficient_user_authentication" (RFC 9470) with `max_age`, and `acr_values` for a second '
        "factor: send a proof to `/auth/step-up`, and ask again."
    )
    found["headers"] = {"WWW-Authenticate": {"schema": {"type": "string"}, "description": text}}
    return found


def in_words(proof: Proof) -> str:
    """The proof, to stand in a sentence."""
    what = "a second factor" if STRONG in proof.methods else "a proof that it is you"
    others = sorted(proof.methods - {STRONG})
    by = f" by {' and '.join(others)}" if others else ""
    return f"{what}{by} of at most {proof.max_age} seconds ago"


def shared_responses() -> dict[str, Any]:
    """`components.responses`: one for each status that a refusal can have."""
    return {f"Problem{status}": _response(status, when) for status, when in _WHEN.items()}


def _response(status: int, when: str) -> dict[str, Any]:
    response: dict[str, Any] = {
        "description": f"{HTTPStatus(status).phrase}. {when}",
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    if status in _EXTRA_HEADERS:
        response["headers"] = _EXTRA_HEADERS[status]
    return response
