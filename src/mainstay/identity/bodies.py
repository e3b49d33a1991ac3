"""What the /auth routes read and answer, exactly: nothing undeclared is accepted."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from mainstay.identity import email_address
from mainstay.identity.catalogue import Sensitivity
from mainstay.identity.credentials import password

NO_NUL = r"^[^\u0000]*$"

_common = {"not": {"enum": list(password.COMMON)}}
Address = Annotated[
    str, Field(max_length=email_address.MAXIMUM, pattern=email_address.PATTERN, examples=["ada@example.org"])
]
NewPassword = Annotated[
    str,
    Field(min_length=password.MINIMUM, max_length=password.MAXIMUM, pattern=NO_NUL, examples=["correct horse battery"]),
    Field(json_schema_extra=_common),
]
# Sign-in accepts any text: whether an address could exist is nobody's business.
AnyAddress = Annotated[
    str, Field(min_length=1, max_length=email_address.MAXIMUM, pattern=NO_NUL, examples=["ada@example.org"])
]
AnyPassword = Annotated[
    str, Field(min_length=1, max_length=password.MAXIMUM, pattern=NO_NUL, examples=["correct horse battery"])
]
# RFC 6749 §3.3: names of printable ASCII without blanks, quotes and backslashes, one blank between them.
SCOPE_PATTERN = r"^[!#-\[\]-~]+( [!#-\[\]-~]+)*$"
WantedScopes = Annotated[str | None, Field(max_length=2000, pattern=SCOPE_PATTERN, examples=["profile:read"])]


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class SignUp(Body):
    """Who wants an account."""

    email: Address
    password: NewPassword


class SignIn(Body):
    """Proof of who is signing in. `scope` asks for fewer scopes than the user's roles give."""

    email: AnyAddress
    password: AnyPassword
    scope: WantedScopes = None


class Refresh(Body):
    """The newest refresh token of the session."""

    refresh_token: Annotated[str, Field(min_length=1, max_length=200, pattern=NO_NUL)]


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


class UserAnswer(BaseModel):
    """A user, as they see themselves."""

    id: UUID
    email: str
    created_at: datetime


class MeAnswer(UserAnswer):
    """The signed-in user, with what they may do here."""

    roles: list[str]
    scopes: list[str]
    session_id: UUID


class ScopeAnswer(BaseModel):
    """One entry of the scopes catalogue."""

    name: str
    description: str
    category: str
    sensitivity: Sensitivity


class ScopesAnswer(BaseModel):
    items: list[ScopeAnswer]


class SessionAnswer(BaseModel):
    """One signed-in device. `current` marks the session that asks."""

    id: UUID
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    user_agent: str | None
    current: bool


class SessionsAnswer(BaseModel):
    items: list[SessionAnswer]


class EndedAnswer(BaseModel):
    """How many sessions were ended."""

    count: int
