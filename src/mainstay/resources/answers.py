"""What reading and writing rows gives back: bytes that are ready to send, and what their headers say."""

from dataclasses import dataclass


@dataclass(slots=True)
class Answer:
    """A representation. `etag` is the header's whole value; `version` the row's (None for lists)."""

    body: bytes
    etag: str
    version: str | None = None


@dataclass(slots=True)
class Written:
    """A change that is committed.

    `body` is None where the caller may change the row and not read it. `key` is the row's key as it stands in a URL.
    `replayed` says that an earlier request with the same Idempotency-Key did it.
    """

    key: str
    body: bytes | None
    etag: str | None
    version: str | None
    created: bool = False
    replayed: bool = False
