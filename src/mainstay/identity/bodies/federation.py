"""Sign-in with others, as its routes read and answer it."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from mainstay.identity.bodies.fields import NO_NUL, Body
from mainstay.identity.bodies.sessions import SessionWishes

Secret43 = Annotated[str, Field(min_length=43, max_length=43, pattern=r"^[A-Za-z0-9_-]{43}$")]
Verifier = Annotated[str, Field(min_length=43, max_length=128, pattern=r"^[A-Za-z0-9\-._~]{43,128}$")]
ReturnTo = Annotated[str, Field(min_length=1, max_length=1000, pattern=NO_NUL, examples=["/"])]


class ProviderAnswer(BaseModel):
    """One place to sign in with. `name` stands in its routes; `start` is where a browser is sent."""

    name: str
    title: str
    kind: Literal["oidc", "oauth2"]
    start: Annotated[str, Field(description="A path on this server.", examples=["/auth/federation/google/start"])]


class ProvidersAnswer(BaseModel):
    items: list[ProviderAnswer]


class Exchange(SessionWishes):
    """The code that came back, and the verifier of the challenge that the sign-in was begun with (RFC 7636)."""

    code: Secret43
    verifier: Verifier


class BeginLink(Body):
    """Where to come back to when the identity is linked."""

    return_to: ReturnTo = "/"


class BegunAnswer(BaseModel):
    """Where the browser goes next, with the cookie that came with this answer."""

    url: str


class LinkedAnswer(BaseModel):
    """An identity of yours elsewhere."""

    id: UUID
    provider: str
    email: str | None
    linked_at: datetime
    last_used_at: datetime


class LinkedListAnswer(BaseModel):
    items: list[LinkedAnswer]
