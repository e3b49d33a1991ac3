"""Tenants and their members, as data."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from mainstay.base.errors import FieldError, Invalid
from mainstay.base.tenant import TenantScope

SLUG = r"^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$"  # a DNS label (RFC 1123 §2.1): a slug can become a subdomain
_slug = re.compile(SLUG)
_role = re.compile(r"^[a-z][a-z0-9_-]{0,39}$")
LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class Tenant:
    """One customer of the app, whose rows nobody else sees."""

    id: UUID
    slug: str
    name: str
    created_at: datetime
    suspended_at: datetime | None = None
    # Since when its members need a second factor.
    second_factor_at: datetime | None = None

    @property
    def suspended(self) -> bool:
        return self.suspended_at is not None

    @property
    def second_factor(self) -> bool:
        """Whether its members need a second factor."""
        return self.second_factor_at is not None


@dataclass(frozen=True, slots=True)
class Member:
    """A user in a tenant, with the roles held there."""

    tenant_id: UUID
    user_id: UUID
    roles: frozenset[str]
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """What a tenant says of a user: `roles` is None for somebody who is not a member."""

    roles: frozenset[str] | None
    suspended: bool
    # Whether the tenant's members need a second factor.
    second_factor: bool = False


class Entry(NamedTuple):
    """Leave to touch a tenant's rows, the roles held there, and whether they take a second factor."""

    scope: TenantScope
    roles: frozenset[str]
    second_factor: bool = False


def require_slug(slug: str) -> str:
    """The slug as given. Raises Invalid unless it is a lower-case DNS label that cannot be mistaken for an id."""
    if _slug.fullmatch(slug) is None or _looks_like_id(slug):
        raise _invalid("slug", "A slug has 1 to 63 lower-case letters, digits and hyphens, and is not a UUID.")
    return slug


def slug_of(name: str) -> str:
    """A slug made from a name. Raises Invalid where nothing of it is left."""
    return require_slug(re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:63].strip("-"))


def require_name(name: str) -> str:
    kept = name.strip()
    if not 0 < len(kept) <= LONGEST_NAME or "\x00" in kept:
        raise _invalid("name", f"A tenant's name has 1 to {LONGEST_NAME} characters.")
    return kept


def require_roles(roles: "frozenset[str]") -> list[str]:
    """The roles, sorted. Raises Invalid for a name that is not one."""
    for role in roles:
        if _role.fullmatch(role) is None:
            raise _invalid("roles", f"{role[:40]!r} is not a role: use lower-case letters, digits, - and _.")
    return sorted(roles)


def as_id(text: str) -> UUID | None:
    """The id that a text spells, or None."""
    try:
        return UUID(text) if len(text) == 36 else None
    except ValueError:
        return None


def _looks_like_id(slug: str) -> bool:
    return as_id(slug) is not None


def _invalid(field: str, message: str) -> Invalid:
    return Invalid(message, errors=[FieldError(("body", field), field, message)])
