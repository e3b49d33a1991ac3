"""Whom users may sign in with. Values come from assembly; the environment is never read here."""

from dataclasses import dataclass, field
from typing import Literal

from mainstay.base.secret import Secret

Authentication = Literal["basic", "post", "private_key_jwt", "none"]
# Asymmetric ones only: whoever holds a client secret could sign an HS256 token in the issuer's name.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")


@dataclass(frozen=True, slots=True)
class Provider:
    """One place to sign in with. `kind` oidc is found out by discovery from `issuer`; the others say their URLs.

    `trust_email` says when an address counts as confirmed: never, where the provider says it is verified, or always
    (the provider's administrators give the addresses out). An address that doesn't count makes no account. `domains`
    are Google's `hd`, `tenants` Entra's `tid`: empty lets all in. `issuer` of an OAuth2 provider is what its
    identities are known by, and must never change.
    """

    name: str
    issuer: str
    client_id: str
    client_secret: Secret | None = field(default=None, repr=False)
    private_key: Secret | None = field(default=None, repr=False)  # PEM or JWK, for private_key_jwt
    authentication: Authentication = "basic"
    kind: Literal["oidc", "oauth2"] = "oidc"
    title: str = ""
    scopes: tuple[str, ...] = ("openid", "email", "profile")
    parameters: tuple[tuple[str, str], ...] = ()
    authorize_url: str = ""
    token_url: str = ""
    userinfo_url: str = ""
    emails_url: str = ""  # GitHub's form: [{"email", "primary", "verified"}]
    subject_field: str = "sub"
    email_field: str = "email"
    verified_field: str = "email_verified"
    name_field: str = "name"
    templated: bool = False  # Entra: the metadata's issuer holds {tenantid}, to be filled with the token's tid
    tenants: frozenset[str] = frozenset()
    domains: frozenset[str] = frozenset()
    trust_email: Literal["never", "verified", "always"] = "never"
    sign_up: bool = True
    keep_tokens: bool = False


@dataclass(frozen=True, slots=True)
class FederationOptions:
    """The providers, and where people are sent back to.

    `public_url` is the address under which providers call back; without it the request's own, good for development
    only. `origins` are front ends besides our own host, as `https://app.example`. `fresh_seconds` is how old a proof
    may be that links or unlinks.
    """

    providers: tuple[Provider, ...] = ()
    public_url: str | None = None
    origins: frozenset[str] = frozenset()
    pending_seconds: int = 600
    code_seconds: int = 60
    fresh_seconds: int = 600
