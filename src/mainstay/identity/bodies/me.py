"""The caller, as they see themselves."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, Field


class MeAnswer(BaseModel):
    """Who is calling, and what they may do here.

    A service account has a `display_name` and no `email`. `session_id` is null for an API key, which `api_key_id`
    names; `impersonator_id` is the administrator who acts as this user. `profile` holds the app's own fields. Without
    the scope `profile:read` whatever tells who the user is, is null: ids, roles and scopes are told to everybody.
    """

    id: UUID
    email: str | None
    email_verified: bool | None
    username: str | None
    display_name: str | None
    language: str | None
    created_at: datetime | None
    roles: list[str]
    scopes: list[str]
    session_id: UUID | None
    api_key_id: UUID | None
    impersonator_id: UUID | None
    avatar: Annotated[str | None, Field(description="Where the picture is, on this server.")]
    profile: dict[str, Any] | None


class AvatarAnswer(BaseModel):
    """Where the picture is, on this server."""

    avatar: str
