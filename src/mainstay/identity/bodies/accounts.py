"""Accounts, as their routes read and answer them."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel

from mainstay.identity.bodies.fields import Address, Body, NewPassword


class SignUp(Body):
    """Who wants an account."""

    email: Address
    password: NewPassword


class UserAnswer(BaseModel):
    """A user, as they see themselves."""

    id: UUID
    email: str
    created_at: datetime


class MeAnswer(UserAnswer):
    """The signed-in user, with what they may do here."""

    roles: list[str]
    scopes: list[str]
    session_id: UUID | None
