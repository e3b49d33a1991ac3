"""API keys and service accounts, as their routes read and answer them."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, BeforeValidator, Field

from mainstay.identity.api_keys.api_key import LONGEST_NAME, ApiKey, NewKey
from mainstay.identity.api_keys.machine_account import ServiceAccount
from mainstay.identity.api_keys.secret import PATTERN
from mainstay.identity.bodies.fields import NO_NUL, Body, whole

Name = Annotated[str, Field(min_length=1, max_length=LONGEST_NAME, pattern=NO_NUL, examples=["nightly export"])]
ScopeName = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[!#-\[\]-~]+$", examples=["profile:read"])]
RoleName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,39}$", examples=["user"])]


class NewApiKey(Body):
    """What the key is for, what it may do, and until when. Without `expires_at` it lasts until it is revoked."""

    name: Name
    scopes: Annotated[list[ScopeName], Field(min_length=1, max_length=200)]
    expires_at: Annotated[AwareDatetime | None, Field(strict=False)] = None


class Rotation(Body):
    """For how many seconds the old secret stays good beside the new one."""

    overlap: Annotated[int | None, Field(ge=0, le=2**31), BeforeValidator(whole)] = None


class ApiKeyAnswer(BaseModel):
    """A key, without its secret. `hint` is how the secret begins; `last_used_at` is right to within ten minutes."""

    id: UUID
    name: str
    hint: str
    scopes: list[str]
    created_at: datetime
    created_by: UUID
    expires_at: datetime | None
    last_used_at: datetime | None


class NewApiKeyAnswer(ApiKeyAnswer):
    """A key with its secret: `key` is shown this once, and stored nowhere."""

    key: Annotated[str, Field(pattern=f"^{PATTERN}$")]


class ApiKeysAnswer(BaseModel):
    items: list[ApiKeyAnswer]


class NewServiceAccount(Body):
    """A program of this tenant."""

    name: Name
    roles: Annotated[list[RoleName], Field(min_length=1, max_length=50, default_factory=lambda: ["user"])]


class ServiceAccountChange(Body):
    """Whether its keys open anything."""

    active: bool


class ServiceAccountAnswer(BaseModel):
    """A program of this tenant, which signs in nowhere and holds API keys."""

    id: UUID
    name: str
    active: bool
    created_at: datetime
    created_by: UUID | None


class ServiceAccountsAnswer(BaseModel):
    items: list[ServiceAccountAnswer]


def key_answer(key: ApiKey) -> ApiKeyAnswer:
    return ApiKeyAnswer(**_shown(key))


def new_key_answer(made: NewKey) -> NewApiKeyAnswer:
    return NewApiKeyAnswer(**_shown(made.key), key=made.secret)


def account_answer(account: ServiceAccount) -> ServiceAccountAnswer:
    return ServiceAccountAnswer(
        id=account.id,
        name=account.name,
        active=account.active,
        created_at=account.created_at,
        created_by=account.created_by,
    )


def _shown(key: ApiKey) -> dict[str, object]:
    names = ("id", "name", "hint", "created_at", "created_by", "expires_at", "last_used_at")
    return {name: getattr(key, name) for name in names} | {"scopes": sorted(key.scopes)}
