"""Whom users may sign in with, as settings."""

import re
from collections.abc import Mapping
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, SecretStr

from mainstay.base.errors import ConfigurationError
from mainstay.base.secret import Secret
from mainstay.identity.federation import FederationOptions, Provider, presets

_NAME = re.compile(r"[a-z0-9_-]{1,40}")
_FIXED = ("preset", "tenant", "any_tenant", "authority", "client_secret", "private_key", "site", "api")


class ProviderSettings(BaseModel):
    """One provider, by name: `MAINSTAY_FEDERATION__GOOGLE__CLIENT_ID`. Named entra, google or github it needs little
    more than a client id and a secret; `preset` says so under another name."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    preset: Literal["entra", "google", "github", "none"] | None = None
    client_id: str
    client_secret: SecretStr | None = None
    private_key: SecretStr | None = None
    authentication: Literal["basic", "post", "private_key_jwt", "none"] | None = None
    tenant: str | None = None
    tenants: frozenset[str] = frozenset()
    any_tenant: bool = False
    authority: str = presets.ENTRA
    site: str = "https://github.com"
    api: str = "https://api.github.com"
    kind: Literal["oidc", "oauth2"] = "oidc"
    title: str = ""
    issuer: str = ""
    scopes: tuple[str, ...] = ()
    parameters: dict[str, str] = {}
    authorize_url: str = ""
    token_url: str = ""
    userinfo_url: str = ""
    emails_url: str = ""
    subject_field: str = "sub"
    email_field: str = "email"
    verified_field: str = "email_verified"
    name_field: str = "name"
    domains: frozenset[str] = frozenset()
    trust_email: Literal["never", "verified", "always"] = "never"
    sign_up: bool = True
    keep_tokens: bool = False

    def provider(self, name: str, *, sign_up: bool) -> Provider:
        """Raises ConfigurationError that says what is missing, and where to get it."""
        if _NAME.fullmatch(name) is None or name in ("exchange", "links"):
            raise ConfigurationError(
                f"{name!r} cannot be a provider's name.", fix="Use up to 40 letters a-z, digits, - and _."
            )
        said: dict[str, Any] = {each: getattr(self, each) for each in self.model_fields_set if each not in _FIXED}
        said = {each: value for each, value in said.items() if value is not None}
        if "parameters" in said:
            said["parameters"] = tuple(self.parameters.items())
        values = {**self._preset(name), **said, "sign_up": self.sign_up and sign_up}
        if "tenants" in values and self._kind(name) == "entra":
            values["tenants"] = self._preset(name)["tenants"]
        secret, key = _secret(self.client_secret), _secret(self.private_key)
        made = Provider(name, client_secret=secret, private_key=key, **values)
        _complete(made)
        return made

    def addresses(self, name: str) -> list[str]:
        made = self.provider(name, sign_up=True)
        return [each for each in (made.issuer, made.authorize_url, made.token_url, made.userinfo_url) if each]

    def _kind(self, name: str) -> str:
        return self.preset or (name if name in presets.PRESETS and not self.issuer else "none")

    def _preset(self, name: str) -> dict[str, Any]:
        match self._kind(name):
            case "entra":
                if not self.tenant:
                    raise _missing(name, "TENANT", "the directory (tenant) id that Entra's portal shows")
                return presets.entra(self.tenant, self.tenants, any_tenant=self.any_tenant, authority=self.authority)
            case "google":
                return presets.google()
            case "github":
                return presets.github(self.site, self.api)
        return {"issuer": ""}


def federation_of(
    providers: Mapping[str, ProviderSettings], origins: tuple[str, ...], public_url: str | None, *, sign_up: bool
) -> FederationOptions:
    """Raises ConfigurationError for providers that cannot work, and origins that are none."""
    for origin in origins:
        if re.fullmatch(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?", origin) is None:
            raise ConfigurationError(
                f"MAINSTAY_FEDERATION_ORIGINS names {origin!r}, which is no origin.",
                fix='Write origins as ["https://app.example"]: lower case, without a path.',
            )
    made = tuple(each.provider(name, sign_up=sign_up) for name, each in providers.items())
    return FederationOptions(made, public_url, frozenset(origins))


def refuse_insecure(
    providers: Mapping[str, ProviderSettings], origins: tuple[str, ...], public_url: str | None, environment: str
) -> None:
    """Raises ConfigurationError for what is good for development only."""
    if providers and public_url is None:
        raise ConfigurationError(
            f"MAINSTAY_FEDERATION names providers, and in {environment} they have to know where to send people back.",
            fix="Set MAINSTAY_PUBLIC_URL to the https:// address of this app.",
        )
    for name, each in providers.items():
        if plain := [url for url in each.addresses(name) if urlsplit(url).scheme != "https"]:
            raise ConfigurationError(
                f"The provider {name!r} is reached by {plain[0]!r}, where its answers could be forged on the way.",
                fix="Name https:// addresses.",
            )
    if plain := [origin for origin in origins if not origin.startswith("https://")]:
        raise ConfigurationError(
            f"MAINSTAY_FEDERATION_ORIGINS names {plain[0]}, where codes would travel in clear.",
            fix="Name https:// origins.",
        )


def _secret(given: SecretStr | None) -> Secret | None:
    return None if given is None else Secret(given.get_secret_value())


def _missing(name: str, setting: str, what: str) -> ConfigurationError:
    return ConfigurationError(
        f"The provider {name!r} needs {what}.", fix=f"Set MAINSTAY_FEDERATION__{name.upper()}__{setting}."
    )


def _complete(provider: Provider) -> None:
    name = provider.name
    if not provider.issuer:
        raise _missing(name, "ISSUER", "its issuer: the address that its metadata is published under")
    if provider.kind == "oauth2":
        for field, what in (("authorize_url", "authorization"), ("token_url", "token"), ("userinfo_url", "user")):
            if not getattr(provider, field):
                raise _missing(name, field.upper(), f"the address of its {what} endpoint")
    if provider.authentication in ("basic", "post") and provider.client_secret is None:
        raise _missing(name, "CLIENT_SECRET", "the secret that it gave this app")
    if provider.authentication == "private_key_jwt" and provider.private_key is None:
        raise _missing(name, "PRIVATE_KEY", "the private key whose public half it knows")
