"""Users as administrators see and change them, as routes read and answer them."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, Field

from mainstay.identity.administration.account import Account
from mainstay.identity.administration.impersonate import LONGEST_REASON, SHORTEST_REASON
from mainstay.identity.bodies.accounts import DisplayName, Language, Username
from mainstay.identity.bodies.api_keys import RoleName
from mainstay.identity.bodies.fields import NO_NUL, Address, Body, NewPassword


class NewUser(Body):
    """Who gets an account. Without a password they choose one themselves; only operators may choose it."""

    email: Address
    roles: Annotated[list[RoleName], Field(min_length=1, max_length=50, default_factory=lambda: ["user"])]
    password: NewPassword | None = None
    username: Username | None = None
    display_name: DisplayName | None = None
    language: Language | None = None
    profile: Annotated[dict[str, Any] | None, Field(description="The app's own fields.")] = None


class UserChange(Body):
    """What an administrator changes of an account. What is left out stays; null takes a name or the language away.

    `profile` holds some of the app's own fields. Another `email` is the operators' to give: every session ends.
    """

    active: bool | None = None
    email: Address | None = None
    username: Username | None = None
    display_name: DisplayName | None = None
    language: Language | None = None
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
    email_verified: bool
    username: str | None
    display_name: str | None
    language: str | None
    active: bool
    created_at: datetime
    second_factors: Annotated[list[str], Field(description="Among `totp` and `passkey`.")]
    last_sign_in_at: Annotated[datetime | None, Field(description="For this tenant; for operators, for any.")]
    deletion_at: Annotated[
        datetime | None, Field(description="When the account is erased, unless its user signs in before.")
    ]
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
    names = ("id", "email", "email_verified", "username", "display_name", "language", "active", "created_at")
    return {
        **{name: getattr(account, name) for name in names},
        "second_factors": list(account.second_factors),
        "last_sign_in_at": account.last_sign_in_at,
        "deletion_at": account.deletion_at,
        "roles": None if account.roles is None else sorted(account.roles),
        "joined_at": account.joined_at,
    }
