"""Something that happened and is to be audited, before it is an entry of a chain."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from mainstay.base.context import current_caller, current_request

# The chain of what no tenant speaks of. Nobody is ever a member there.
SYSTEM_CHAIN = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Deed:
    """`name` is the area, a dot, and what happened in the past tense. `user_id`: whom it is about.

    `subject` names what it is about where that is no user: the key of a row, a path. `origin` says where it came from;
    `details` say more. Both hold JSON values, and are sealed under a person's key when the deed becomes an entry.
    """

    name: str
    at: datetime
    chain: UUID = SYSTEM_CHAIN
    actor_id: UUID | None = None
    impersonator_id: UUID | None = None
    user_id: UUID | None = None
    session_id: UUID | None = None
    request_id: str | None = None
    subject: str | None = None
    origin: Mapping[str, Any] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready, without what is not known; `chain` and `at` apart, which have columns of their own."""
        ids = {
            "actor_id": self.actor_id,
            "impersonator_id": self.impersonator_id,
            "user_id": self.user_id,
            "session_id": self.session_id,
        }
        found: dict[str, Any] = {name: str(value) for name, value in ids.items() if value is not None}
        texts = {"request_id": self.request_id, "subject": self.subject}
        found |= {name: value for name, value in texts.items() if value}
        found |= {name: dict(value) for name, value in (("origin", self.origin), ("details", self.details)) if value}
        return {"name": self.name, **found}


def deed_of(content: Mapping[str, Any], chain: UUID | None, at: datetime) -> Deed:
    """The deed that `as_dict` wrote down."""
    return Deed(
        content["name"],
        at,
        chain or SYSTEM_CHAIN,
        as_id(content.get("actor_id")),
        as_id(content.get("impersonator_id")),
        as_id(content.get("user_id")),
        as_id(content.get("session_id")),
        content.get("request_id"),
        content.get("subject"),
        content.get("origin", {}),
        content.get("details", {}),
    )


def done_now(
    name: str,
    at: datetime,
    *,
    tenant_id: UUID | None = None,
    user_id: UUID | None = None,
    session_id: UUID | None = None,
    subject: str | None = None,
    details: Mapping[str, Any] | None = None,
    without_request: str = "the process itself",
) -> Deed:
    """The deed of whoever calls at this moment, from where the request in progress comes.

    It is the tenant's in which it is done, unless another is named; the system's where there is none.
    """
    caller, request = current_caller(), current_request()
    locate = None if request is None else request.get("mainstay.origin")
    origin = {"by": without_request} if request is None else {} if locate is None else locate(request)
    actor = None if caller is None else caller.actor
    named = None if request is None else request.get("mainstay.request_id")
    return Deed(
        name,
        at,
        tenant_id or (None if caller is None or caller.scope is None else caller.scope.tenant_id) or SYSTEM_CHAIN,
        None if actor is None else actor.user_id,
        None if actor is None else actor.impersonator_id,
        user_id,
        session_id or (None if actor is None else actor.session_id),
        (None if caller is None else caller.request_id) or named,
        subject,
        origin,
        details or {},
    )


def as_id(text: str | None) -> UUID | None:
    return None if text is None else UUID(text)
