"""A user, as data."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class User:
    """Somebody with an account. Roles are not here: they are held in a tenant."""

    id: UUID
    email: str
    active: bool
    created_at: datetime
