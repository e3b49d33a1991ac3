"""Second factors, as their routes read and answer them."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from mainstay.identity.authenticators.errors import FactorRefused
from mainstay.identity.bodies.fields import NO_NUL, AnyPassword, Body, WantedScopes
from mainstay.identity.bodies.sessions import DeviceToken, SessionWishes

Code = Annotated[
    str, Field(min_length=6, max_length=20, pattern=r"^[0-9 ]+$", description="Six digits.", examples=["123456"])
]
RecoveryCode = Annotated[
    str, Field(min_length=16, max_length=40, pattern=r"^[0-9A-Za-z -]+$", examples=["k7qd-m3xw-9tzf-2hbn"])
]
TicketText = Annotated[
    str, Field(min_length=1, max_length=100, pattern=NO_NUL, description="What the first step gave.")
]
PasskeyName = Annotated[
    str, Field(min_length=1, max_length=60, pattern=r"^[^\u0000-\u001f\u007f]+$", examples=["Ada's telephone"])
]
Base64Url = Annotated[str, Field(min_length=1, max_length=20_000, pattern=r"^[A-Za-z0-9_-]+$")]


class Parts(BaseModel):
    """What an authenticator made (WebAuthn §5.1): an `attestationObject` with a new passkey, else a `signature`."""

    model_config = ConfigDict(extra="ignore", strict=True)

    clientDataJSON: Base64Url
    attestationObject: Base64Url | None = None
    authenticatorData: Base64Url | None = None
    signature: Base64Url | None = None
    userHandle: Annotated[str | None, Field(max_length=200)] = None
    transports: Annotated[list[Annotated[str, Field(max_length=20)]], Field(max_length=10)] = []


class Credential(BaseModel):
    """`credential.toJSON()`, of what `navigator.credentials.create` or `get` gave. More members are ignored."""

    model_config = ConfigDict(extra="ignore", strict=True)

    id: Annotated[str, Field(min_length=1, max_length=1400, pattern=r"^[A-Za-z0-9_-]+$")]
    rawId: Annotated[str, Field(min_length=1, max_length=1400, pattern=r"^[A-Za-z0-9_-]+$")]
    type: Literal["public-key"] = "public-key"
    response: Parts

    def plain(self) -> dict[str, Any]:
        return self.model_dump(exclude_none=True)


class ByCode(Body):
    code: Code


class NewPasskey(Body):
    """The ticket of the options, and what the authenticator made of them."""

    ticket: TicketText
    name: PasskeyName
    credential: Credential


class OtherName(Body):
    name: PasskeyName


class _OneProof(Body):
    @model_validator(mode="after")
    def _one(self) -> Self:
        names = [name for name in ("password", "code", "recovery_code", "passkey") if name in type(self).model_fields]
        if sum(getattr(self, name) is not None for name in names) != 1:
            # More than the schema says, and so no 422.
            raise FactorRefused(f"Send one of {', '.join(names)}.")
        return self


class SecondStep(_OneProof):
    """One second factor. `ticket` is what the first step answered; a page leaves it out: its ticket is in a cookie."""

    ticket: TicketText | None = None
    device_token: DeviceToken = None
    code: Code | None = None
    recovery_code: RecoveryCode | None = None
    passkey: Credential | None = None


class WantedChallenge(Body):
    """`ticket` is what the first step answered; a page leaves it out."""

    ticket: TicketText | None = None


class StepUp(_OneProof):
    """One proof: the password where the account has no second factor, else one of those. With a passkey goes the ticket
    of its options."""

    password: AnyPassword | None = None
    code: Code | None = None
    recovery_code: RecoveryCode | None = None
    passkey: Credential | None = None
    ticket: TicketText | None = None


class ByPasskey(SessionWishes):
    """The ticket of the options, and the passkey's answer to them."""

    ticket: TicketText
    credential: Credential
    scope: WantedScopes = None


class AppAnswer(BaseModel):
    """What an authenticator app scans. It is shown this once, and counts when a code of it was sent back."""

    secret: Annotated[str, Field(description="For an app into which it is typed.")]
    uri: Annotated[str, Field(description="For an app on this device.")]
    svg: Annotated[str, Field(description="The picture: a data URI for `<img src>`.")]
    png: str


class AddedAnswer(BaseModel):
    """`recovery_codes` come with the first factor, and are shown this once."""

    id: UUID | None = None
    recovery_codes: list[str] | None


class CodesAnswer(BaseModel):
    recovery_codes: list[str]


class ChallengeAnswer(BaseModel):
    """`options` go to `PublicKeyCredential.parseCreationOptionsFromJSON`, or `parseRequestOptionsFromJSON`."""

    ticket: str
    options: dict[str, Any]


class OptionsAnswer(BaseModel):
    """`options` go to `PublicKeyCredential.parseRequestOptionsFromJSON`."""

    options: dict[str, Any]


class PasskeyAnswer(BaseModel):
    id: UUID
    name: str
    synced: Annotated[bool, Field(description="Whether it may be on several devices of its owner.")]
    transports: list[str]
    created_at: datetime
    last_used_at: datetime | None


class FactorsAnswer(BaseModel):
    """What your account has, and what you may add here."""

    app_since: Annotated[datetime | None, Field(description="Since when there is an authenticator app.")]
    passkeys: list[PasskeyAnswer]
    recovery_codes_left: int
    offered: list[Literal["totp", "passkey"]]


class ProvedAnswer(BaseModel):
    """How the session is proved now (RFC 8176), and when it was."""

    methods: list[str]
    authenticated_at: datetime


class ResetAnswer(BaseModel):
    """Whether there were any."""

    reset: bool
