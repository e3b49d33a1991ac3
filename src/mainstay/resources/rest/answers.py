"""The headers that generated answers carry."""

from mainstay.base.actor import Actor
from mainstay.resources.answers import Answer
from mainstay.resources.rest.request import Header, Reply
from mainstay.web import if_none_match as none_matches

_JSON: Header = (b"content-type", b"application/json")
# Whoever asks with another token gets another answer, so no shared cache may keep one; a browser asks again each time
# and is told 304.
_PRIVATE: Header = (b"cache-control", b"private, no-cache")
_PUBLIC: Header = (b"cache-control", b"no-cache")
_NO_STORE: Header = (b"cache-control", b"no-store")
_VARY: Header = (b"vary", b"Authorization, Cookie")
_MINIMAL: Header = (b"preference-applied", b"return=minimal")


def fresh(actor: Actor, answer: Answer, if_none_match: str | None) -> Reply:
    """The answer to a read: 200 with the body, or 304 where the caller holds these very bytes."""
    cache = _PRIVATE if actor.user_id is not None else _PUBLIC
    etag = answer.etag
    tag = (b"etag", etag.encode())
    if if_none_match is not None and none_matches(if_none_match, etag):
        return 304, [tag, cache, _VARY], b""
    return 200, [_JSON, tag, cache, _VARY], answer.body


def changed(status: int, body: bytes, etag: str | None, location: str | None, *, minimal: bool) -> Reply:
    """The answer to a change; without a body where the caller prefers so (a 200 becomes a 204)."""
    headers: list[Header] = [_NO_STORE]
    if etag is not None:
        headers.append((b"etag", etag.encode()))
    if location is not None:
        headers.append((b"location", location.encode()))
    if minimal:
        headers.append(_MINIMAL)
        return (204 if status == 200 else status), headers, b""
    headers.append(_JSON)
    return status, headers, body


def gone() -> Reply:
    """The answer to a deletion."""
    return 204, [_NO_STORE], b""
