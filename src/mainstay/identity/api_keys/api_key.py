"""API keys, as data."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from mainstay.base.errors import Conflict, FieldError, Forbidden

LONGEST_NAME = 100


@dataclass(frozen=True, slots=True)
class ApiKey:
    """Proof that a program holds: for one user or service account, in one tenant, within these scopes.

    `hint` is how the newest secret begins; `last_used_at` is right to within ten minutes.
    """

    id: UUID
    user_id: UUID
    tenant_id: UUID
    name: str
    scopes: frozenset[str]
    created_at: datetime
    created_by: UUID
    expires_at: datetime | None
    last_used_at: datetime | None
    hint: str


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key with its secret, which is shown this once."""

    key: ApiKey
    secret: str

    def __repr__(self) -> str:
        return f"NewKey({self.key.id}, {self.key.hint}…)"


@dataclass(frozen=True, slots=True)
class Maker:
    """Who makes or changes a key: the bounds that their own proof sets.

    A key that makes keys makes none that may do more, or live longer, than itself.
    """

    user_id: UUID
    tenant_id: UUID
    scopes: frozenset[str]
    api_key_id: UUID | None = None


def key_of(row: Sequence[Any]) -> ApiKey:
    """The key in a row of `list_keys.COLUMNS`."""
    identifier, user, tenant, name, scopes, created, by, expires, used, hint = row
    return ApiKey(identifier, user, tenant, name, frozenset(scopes), created, by, expires, used, hint)


def require_name(name: str) -> str:
    """The name without blanks around it. Raises Conflict for one that is empty, too long or not printable."""
    kept = name.strip()
    if not 0 < len(kept) <= LONGEST_NAME or not kept.isprintable():
        raise _refused("name", "unprintable", f"A name has 1 to {LONGEST_NAME} printable characters.")
    return kept


def require_within(scopes: Iterable[str], held: frozenset[str]) -> frozenset[str]:
    """The scopes wanted. Raises Conflict for none, Forbidden naming those that the maker lacks."""
    wanted = frozenset(scopes)
    if not wanted:
        raise _refused("scopes", "missing", "A key holds at least one scope.")
    if missing := wanted - held:
        raise Forbidden.missing_scopes(*missing)
    return wanted


def require_future(expires_at: datetime | None, now: datetime) -> datetime | None:
    """The moment in UTC. Raises Conflict for one that has passed, or that UTC has no date for."""
    if expires_at is None:
        return None
    try:
        moment = expires_at.astimezone(UTC)
    except OverflowError:
        raise _refused("expires_at", "range", "No calendar goes so far.") from None
    if moment <= now:
        raise _refused("expires_at", "past", "This moment has passed.")
    return moment


def _refused(field: str, code: str, message: str) -> Conflict:
    # What a schema cannot tell is a conflict: OpenAPI admits the value.
    return Conflict(message, code=f"{field}_{code}", errors=[FieldError(("body", field), code, message)])
