"""Accounts, as their routes read and answer them."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, Field

from mainstay.identity import username
from mainstay.identity.bodies.fields import NO_NUL, Address, AnyAddress, AnyPassword, Body, NewPassword, WantedScopes
from mainstay.identity.bodies.sessions import SessionWishes

Username = Annotated[
    str, Field(min_length=username.MINIMUM, max_length=username.MAXIMUM, pattern=username.PATTERN, examples=["ada"])
]
DisplayName = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\u0000-\u001f\u007f]+$")]
Language = Annotated[str, Field(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$", examples=["en", "pt-BR"])]
LetterToken = Annotated[str, Field(min_length=1, max_length=200, pattern=NO_NUL, description="What the letter holds.")]


class SignUp(Body):
    """Who wants an account."""

    email: Address
    password: NewPassword
    username: Username | None = None
    display_name: DisplayName | None = None
    language: Language | None = None
    profile: Annotated[dict[str, Any] | None, Field(description="What the app asks newcomers for.")] = None


class ByToken(Body):
    token: LetterToken


class ByAddress(Body):
    email: Address


class NewPasswordByToken(ByToken):
    password: NewPassword


class OtherPassword(Body):
    current_password: AnyPassword
    new_password: NewPassword


class OtherEmail(Body):
    """The new address, and the account's password."""

    email: Address
    password: AnyPassword


class Deletion(Body):
    """The account's password."""

    password: AnyPassword


class Profile(Body):
    """What is to be changed (RFC 7396): what is left out stays, null takes away."""

    username: Username | None = None
    display_name: DisplayName | None = None
    language: Language | None = None


class WantedLetter(Body):
    """Where the letter goes. `code_only` leaves the link out of it."""

    email: Address
    code_only: bool = False


class ByLetter(SessionWishes):
    """The secret that was answered when the letter was asked for, and the letter's token or code."""

    request: LetterToken
    proof: Annotated[AnyAddress, Field(description="The token in the letter's link, or its code.")]
    scope: WantedScopes = None


class LetterAnswer(BaseModel):
    """A letter goes there, if there is anything to say."""

    email: str


class RequestAnswer(LetterAnswer):
    """`request` is the secret with which the letter's link or code is good. It is for who asked, and nobody else."""

    request: str
    expires_in: Annotated[int, Field(description="Seconds until the letter is good for nothing.")]


class DeletionAnswer(BaseModel):
    deletion_at: Annotated[datetime, Field(description="When the account is erased, unless its user signs in before.")]


class UserAnswer(BaseModel):
    """A user, as they see themselves."""

    id: UUID
    email: str
    email_verified: bool
    username: str | None
    display_name: str | None
    language: str | None
    created_at: datetime
