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
    username: str | None = None
    email_verified_at: datetime | None = None
    display_name: str | None = None
    language: str | None = None
    deletion_at: datetime | None = None  # from then on the account is erased

    @property
    def email_verified(self) -> bool:
        """Whether somebody has shown that they read what is sent there."""
        return self.email_verified_at is not None
