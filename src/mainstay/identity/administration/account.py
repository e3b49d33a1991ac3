"""An account as administrators see it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Account:
    """A user and their place in one tenant: `roles` and `joined_at` are None where they are no member of it.

    `second_factors` are among `totp` and `passkey`. `last_sign_in_at` is when the newest of their sessions began that
    nobody began in their name: of those for the tenant, or for who oversees all tenants of any. From `deletion_at` on
    the account is erased, unless its user signs in before.
    """

    id: UUID
    email: str
    active: bool
    created_at: datetime
    username: str | None
    display_name: str | None
    language: str | None
    email_verified: bool
    deletion_at: datetime | None
    second_factors: tuple[str, ...]
    last_sign_in_at: datetime | None
    roles: frozenset[str] | None
    joined_at: datetime | None
