"""An account as administrators see it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Account:
    """A user and their place in one tenant: `roles` and `joined_at` are None where they are no member of it."""

    id: UUID
    email: str
    active: bool
    created_at: datetime
    roles: frozenset[str] | None
    joined_at: datetime | None
