"""Changes as they are asked for: an operation of a batch, and the promise that a request is done once."""

from dataclasses import dataclass
from typing import Any, Literal

Action = Literal["create", "replace", "update", "delete", "link", "unlink"]


@dataclass(frozen=True, slots=True)
class Operation:
    """One change of a batch. `key` stands as in a URL; None for a create."""

    action: Action
    resource: str
    key: str | None
    data: dict[str, Any] | None
    if_match: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Once:
    """An Idempotency-Key with what it was sent for: the same key with another digest is another request.

    `route` is method, path and query; `digest` stands for the body. Tenant and actor are bound by the records.
    """

    key: str
    route: str
    digest: bytes
