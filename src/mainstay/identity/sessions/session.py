"""Sessions and the tokens handed out for them, as data."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Session:
    """One sign-in on one device, from then until it ends."""

    id: UUID
    user_id: UUID
    tenant_id: UUID
    scopes: frozenset[str] | None
    user_agent: str | None
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a client holds (RFC 6749 §5.1). `scope` names what was granted, blank-separated."""

    access_token: str
    refresh_token: str
    expires_in: int
    scope: str
    token_type: str = "Bearer"  # noqa: S105  the name of a scheme

    def __repr__(self) -> str:
        return f"Tokens(expires_in={self.expires_in}, scope={self.scope!r})"


def session_of(row: Sequence[Any]) -> Session:
    """The session in a row of `tables.SESSION_COLUMNS`."""
    identifier, user, tenant, scopes, agent, created, used, expires = row
    narrowed = None if scopes is None else frozenset(scopes)
    return Session(identifier, user, tenant, narrowed, agent, created, used, expires)
