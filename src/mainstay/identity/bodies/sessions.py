"""Sign-in, tokens and sessions, as their routes read and answer them."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from mainstay.identity.bodies.fields import NO_NUL, SCOPE_PATTERN, AnyAddress, AnyPassword, Body, WantedScopes

DeviceToken = Annotated[str | None, Field(min_length=1, max_length=200, pattern=r"^[A-Za-z0-9_.-]+$")]


class SessionWishes(Body):
    """How the session that a sign-in starts is to be held.

    `mode: "cookie"` is for pages: the session is in a cookie that scripts cannot read, and the answer holds no tokens.
    Without `remember` a session in cookies ends with the browser. The default is to remember tokens, and not cookies.
    `device_token` is what a client without cookies was answered when it signed in before: whoever guesses at the
    account elsewhere does not make it wait.
    """

    mode: Literal["bearer", "cookie"] = "bearer"
    remember: bool | None = None
    device_token: DeviceToken = None


class SignIn(SessionWishes):
    """Proof of who is signing in. `scope` asks for fewer scopes than the user's roles give."""

    email: AnyAddress
    password: AnyPassword
    scope: WantedScopes = None


class Refresh(Body):
    """The newest refresh token of the session. Leave it out where the session is in a cookie."""

    refresh_token: Annotated[str | None, Field(min_length=1, max_length=200, pattern=NO_NUL)] = None


class PasswordGrant(BaseModel):
    """The form of RFC 6749 §4.3.2. Parameters that are not known are ignored, as §3.2 demands."""

    grant_type: Literal["password"] = "password"
    username: AnyAddress
    password: AnyPassword
    scope: Annotated[str, Field(max_length=2000, pattern=SCOPE_PATTERN[:1] + "(" + SCOPE_PATTERN[1:-1] + ")?$")] = ""


class TokenAnswer(BaseModel):
    """Tokens of one session (RFC 6749 §5.1). `scope` says what was granted."""

    access_token: str
    refresh_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105  the name of a scheme
    expires_in: Annotated[int, Field(description="Seconds until the access token expires.")]
    scope: str
    device_token: Annotated[
        str | None, Field(description="After a sign-in: keep it longer than the session, and send it with the next.")
    ] = None


class CookieAnswer(BaseModel):
    """A session in cookies. What changes something needs `csrf_token` in the header `X-CSRF-Token`."""

    csrf_token: str
    expires_in: Annotated[int, Field(description="Seconds until the session ends, if nobody uses it.")]
    scope: str


class CsrfAnswer(BaseModel):
    csrf_token: str


class SessionAnswer(BaseModel):
    """One signed-in device. `current` marks the session that asks."""

    id: UUID
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    device: Annotated[str, Field(description="What the device calls itself, in words.", examples=["Firefox on Linux"])]
    user_agent: str | None
    address: str | None
    place: Annotated[str | None, Field(description="Where the address is, as far as the app knows.")]
    kind: Literal["bearer", "cookie"]
    remembered: bool
    methods: Annotated[list[str], Field(description="How it was proved (RFC 8176).", examples=[["pwd"]])]
    impersonated: Annotated[bool, Field(description="Whether an administrator started it, acting as its user.")]
    current: bool


class SessionsAnswer(BaseModel):
    items: list[SessionAnswer]


class EndedAnswer(BaseModel):
    """How many sessions were ended."""

    count: int
