"""Refusals told from where the caller stands: values are named by their place in the request."""

from collections.abc import Iterator
from contextlib import contextmanager

from mainstay.base.errors import FieldError, Rejected


def refused_at(error: Rejected, *place: str | int) -> Rejected:
    """The same refusal with every named value below this place."""
    error.errors = tuple(FieldError((*place, *each.loc), each.code, each.message) for each in error.errors)
    return error


@contextmanager
def in_body() -> Iterator[None]:
    """Refused values are told as places in the body: `title` becomes `["body", "title"]`."""
    try:
        yield
    except Rejected as error:
        if not any(each.loc[:1] in (("query",), ("body",), ("path",), ("header",)) for each in error.errors):
            refused_at(error, "body")
        raise
