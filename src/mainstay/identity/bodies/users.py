"""Users as administrators see and change them, as routes read and answer them."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, Field

from mainstay.identity.administration.account import Account
from mainstay.identity.administration.impersonate import LONGEST_REASON, SHORTEST_REASON
from mainstay.identity.bodies.api_keys import RoleName
from mainstay.identity.bodies.fields import NO_NUL, Address, Body, NewPassword


class NewUser(Body):
    """Who gets an account. Without a password they choose one themselves; only operators may choose it."""

    email: Address
    roles: Annotated[list[RoleName], Field(min_length=1, max_length=50, default_factory=lambda: ["user"])]
    password: NewPassword | None = None


class UserChange(Body):
    """What an administrator changes of an account. `profile` holds some of the app's own fields."""

    active: bool | None = None
    profile: dict[str, Any] | None = None


class Roles(Body):
    """Every role that the member shall hold."""

    roles: Annotated[list[RoleName], Field(min_length=1, max_length=50)]


class Impersonation(Body):
    """As whom, and why: the reason is kept."""

    user_id: Annotated[UUID, Field(strict=False)]
    reason: Annotated[
        str,
        Field(
            min_length=SHORTEST_REASON,
            max_length=LONGEST_REASON,
            pattern=NO_NUL,
            examples=["ticket 4711: a blank page"],
        ),
    ]


class AccountAnswer(BaseModel):
    """A user. `roles` and `joined_at` are those of the tenant that the request is for, null where they are no member
    of it, which only operators ever see."""

    id: UUID
    email: str
    active: bool
    created_at: datetime
    roles: list[str] | None
    joined_at: datetime | None


class AccountWithProfile(AccountAnswer):
    """A user, with the app's own fields."""

    profile: dict[str, Any]


class AccountsAnswer(BaseModel):
    """A page. `next` goes into `after`; null at the end."""

    items: list[AccountAnswer]
    next: str | None


class RolesAnswer(BaseModel):
    """What a member holds here."""

    roles: list[str]


class RoleAnswer(BaseModel):
    """A role, and the scopes that it adds to those of every member."""

    name: str
    description: str
    scopes: list[str]


class RoleCatalogue(BaseModel):
    items: list[RoleAnswer]


class ActingAnswer(BaseModel):
    """An access token with which you are somebody else, until it expires. There is no refresh token."""

    access_token: str
    token_type: str = "Bearer"  # noqa: S105  the name of a scheme
    expires_in: Annotated[int, Field(description="Seconds until it ends.")]
    scope: str
    user_id: UUID


def account_answer(account: Account) -> AccountAnswer:
    return AccountAnswer(**_shown(account))


def whole_answer(account: Account, profile: dict[str, Any]) -> AccountWithProfile:
    return AccountWithProfile(**_shown(account), profile=profile)


def _shown(account: Account) -> dict[str, Any]:
    return {
        "id": account.id,
        "email": account.email,
        "active": account.active,
        "created_at": account.created_at,
        "roles": None if account.roles is None else sorted(account.roles),
        "joined_at": account.joined_at,
    }
