"""Calls to other programs, as settings."""

from collections.abc import Mapping
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from mainstay.base.errors import ConfigurationError
from mainstay.base.secret import Secret
from mainstay.outbound import FetchOptions, TokenOptions

_ENTRA = "https://login.microsoftonline.com"


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TokenSettings(_Closed):
    """Where a service's access tokens come from. `entra_tenant` stands for the token URL and scope of Entra ID."""

    token_url: str | None = None
    entra_tenant: str | None = Field(None, pattern=r"^[A-Za-z0-9.-]{1,255}$")
    client_id: str
    client_secret: SecretStr
    scope: str = ""
    audience: str = ""
    resource: str = ""
    authentication: Literal["basic", "form"] = "basic"
    margin: float = Field(60.0, ge=0)

    @model_validator(mode="after")
    def _is_one(self) -> "TokenSettings":
        if (self.token_url is None) == (self.entra_tenant is None):
            raise ValueError("TOKEN names either TOKEN_URL or ENTRA_TENANT")
        return self

    def options(self, base_url: str) -> TokenOptions:
        url, scope, how = self.token_url or "", self.scope, self.authentication
        if self.entra_tenant is not None:
            parts = urlsplit(base_url)
            url = f"{_ENTRA}/{self.entra_tenant}/oauth2/v2.0/token"
            scope, how = scope or f"{parts.scheme}://{parts.netloc}/.default", "form"
        secret = Secret(self.client_secret.get_secret_value())
        return TokenOptions(url, self.client_id, secret, scope, self.audience, self.resource, how, self.margin)


class ServiceSettings(_Closed):
    """One service, field by field over what the app declares: `MAINSTAY_OUTBOUND__RATES__BASE_URL`."""

    base_url: str | None = None
    headers: dict[str, str] = {}
    bearer: SecretStr | None = None
    token: TokenSettings | None = None
    connect_timeout: float = Field(5.0, gt=0)
    timeout: float = Field(10.0, gt=0)
    deadline: float = Field(30.0, gt=0)
    retries: int = Field(2, ge=0, le=10)
    backoff: float = Field(0.1, ge=0)
    longest_backoff: float = Field(5.0, ge=0)
    concurrency: int = Field(50, ge=1, le=10_000)
    wait: float = Field(5.0, ge=0)
    answer_limit: int = Field(10 * 1024 * 1024, ge=1)
    proxy: str | None = None
    health: str | None = None

    @model_validator(mode="after")
    def _says_what_for(self) -> "ServiceSettings":
        token = self.token
        if token and token.entra_tenant and not token.scope and not self.base_url:
            raise ValueError("TOKEN needs a SCOPE, or BASE_URL beside it, to know what Entra's token is for")
        return self

    def given(self) -> Mapping[str, Any]:
        """The fields that somebody set, as `outbound.ServiceOptions` has them."""
        found = {name: getattr(self, name) for name in self.model_fields_set}
        if "headers" in found:
            found["headers"] = tuple(self.headers.items())
        if self.bearer is not None:
            found["bearer"] = Secret(self.bearer.get_secret_value())
        if self.token is not None:
            found["token"] = self.token.options(self.base_url or "")
        return found


class FetchSettings(_Closed):
    """What may be fetched from addresses that strangers gave."""

    http: bool = False
    ports: frozenset[int] = frozenset({80, 443})
    networks: tuple[str, ...] = ()
    deadline: float = Field(10.0, gt=0)
    answer_limit: int = Field(1024 * 1024, ge=1)

    def options(self) -> FetchOptions:
        return FetchOptions(
            http=self.http,
            ports=self.ports,
            networks=self.networks,
            deadline=self.deadline,
            answer_limit=self.answer_limit,
        )


def refuse_plain(services: Mapping[str, ServiceSettings], environment: str) -> None:
    """Raises ConfigurationError for a secret that would travel in clear."""
    for name, service in services.items():
        plain = (service.base_url or "").startswith("http:") and (service.bearer or service.token)
        if plain or (service.token and (service.token.token_url or "").startswith("http:")):
            raise ConfigurationError(
                f"The service {name!r} is called by http with a secret, which would travel in clear in {environment}.",
                fix="Name https:// addresses in its BASE_URL and TOKEN__TOKEN_URL.",
            )
