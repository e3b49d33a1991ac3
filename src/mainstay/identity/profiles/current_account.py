"""A FastAPI dependency: who the caller is, beside what they may do."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Request
from sqlalchemy import Select, Table, bindparam, select

from mainstay.base.errors import ConfigurationError, Forbidden
from mainstay.identity.accounts.user import User
from mainstay.identity.dependencies import CurrentUser, current_user
from mainstay.identity.room import Room
from mainstay.identity.tables import users as u

_columns = tuple(u.c[name] for name in User.__dataclass_fields__)


@dataclass(frozen=True, slots=True)
class CurrentAccount:
    """The account of this request's user. `profile` holds the app's own fields that the user sees, JSON-ready."""

    id: UUID
    email: str
    email_verified: bool
    username: str | None
    display_name: str | None
    language: str | None
    profile: Mapping[str, Any]


async def current_account(request: Request, user: Annotated[CurrentUser, Depends(current_user)]) -> CurrentAccount:
    """The caller's account, read by one statement at each request.

    `Security(current_account, scopes=["profile:read"])` holds back what a narrowed key or session is not to show.
    Raises SignInRequired (401); Forbidden (403) for missing scopes, and for a service account, which is nobody's
    (`account_required`).
    """
    identity = getattr(request.app.state, "identity", None)
    if identity is None:
        raise ConfigurationError(
            "This route wants to know who is calling, and its app has no identity.",
            fix="Set app.state.identity = identity, as the docstring of mainstay.identity shows.",
        )
    found: CurrentAccount | None = await identity.profiles.account(user.id)
    if found is None:
        raise Forbidden("This needs a person's account; a service account is nobody's.", code="account_required")
    return found


async def find_account(room: Room, user_id: UUID) -> CurrentAccount | None:
    """The account with this id, and what the app keeps of it."""
    fields = room.fields
    profile = None if fields.model is None else fields.model.__table__
    rows = await room.control.fetch(_both(profile, fields.columns), user=user_id)
    if not rows:
        return None
    user, kept = User(*rows[0][: len(_columns)]), rows[0][len(_columns) :]
    return CurrentAccount(
        user.id,
        user.email,
        user.email_verified,
        user.username,
        user.display_name,
        user.language,
        # The first of them is the key: NULL where nothing is kept of the user yet.
        fields.present(kept[1:]) if kept and kept[0] is not None else fields.present(None),
    )


@cache
def _both(profile: Table | None, columns: tuple[str, ...]) -> Select[Any]:
    if profile is None:
        return select(*_columns).where(u.c.id == bindparam("user"))
    kept = (profile.c.user_id, *(profile.c[name] for name in columns))
    joined = u.outerjoin(profile, profile.c.user_id == u.c.id)
    return select(*_columns, *kept).select_from(joined).where(u.c.id == bindparam("user"))
