"""Other issuers of access tokens, as settings."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from mainstay.base.errors import ConfigurationError
from mainstay.base.secret import Secret
from mainstay.identity.foreign import ForeignIssuer


class IssuerSettings(BaseModel):
    """One issuer, by a name of the operator's own: `MAINSTAY_ISSUERS__OLD_APP__SECRET`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    issuer: str
    audiences: tuple[str, ...]
    algorithms: tuple[str, ...]
    secret: SecretStr | None = None
    key: str | None = None
    key_set_url: str | None = None
    types: tuple[str, ...] = ("at+jwt", "application/at+jwt")
    guests: bool = False
    guest_roles: tuple[str, ...] = ()
    roles_claim: str = "roles"
    roles: dict[str, str] = {}
    scopes_claim: str = "scope"
    scopes: dict[str, str] = {}
    tenant: str | None = None
    skew_seconds: int = Field(30, ge=0, le=300)

    @model_validator(mode="after")
    def _can_be_trusted(self) -> "IssuerSettings":
        self.foreign()
        return self

    def foreign(self) -> ForeignIssuer:
        """Raises ConfigurationError for an issuer that is declared ambiguously, or with a weak secret or key."""
        values = {name: getattr(self, name) for name in type(self).model_fields if name != "secret"}
        secret = None if self.secret is None else Secret(self.secret.get_secret_value())
        return ForeignIssuer(**values, secret=secret)

    def refuse_insecure(self, environment: str, master: str | None) -> None:
        """Raises ConfigurationError for keys that would travel in clear, and for our own secret."""
        if self.key_set_url and urlsplit(self.key_set_url).scheme != "https":
            raise ConfigurationError(
                f"The keys of the issuer {self.issuer} would be fetched in clear in {environment}.",
                fix="Name the https:// address of its key set.",
            )
        if self.secret is not None and self.secret.get_secret_value() == master:
            raise ConfigurationError(
                f"The secret of the issuer {self.issuer} is MAINSTAY_SECRET_KEY itself.",
                fix="Make another MAINSTAY_SECRET_KEY: whoever signs those tokens must not open what is sealed here.",
            )


def foreign_issuers(issuers: Mapping[str, IssuerSettings]) -> tuple[ForeignIssuer, ...]:
    """The issuers whose tokens are accepted."""
    return tuple(each.foreign() for each in issuers.values())
