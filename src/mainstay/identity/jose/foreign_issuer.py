"""Issuers other than this app whose access tokens are accepted, each declared in full and checked at start-up."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit
from uuid import UUID

from mainstay.base.errors import ConfigurationError
from mainstay.base.secret import Secret
from mainstay.base.tenant import DEFAULT_TENANT
from mainstay.identity.jose.public_key import SECRET_BYTES, public_key

ALGORITHMS = (*SECRET_BYTES, "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519")
_FIX = "docs/how-to/migrate-tokens.md shows how an issuer is declared."


@dataclass(frozen=True, slots=True)
class ForeignIssuer:
    """One issuer. Exactly one of `secret`, `key` (PEM or JWK) and `key_set_url` says what verifies its tokens.

    `types` are the values of `typ` that its access tokens carry, "" for none at all. A subject is known by (issuer,
    subject) alone: linked to a user of ours, or, where `guests` is set, a guest who holds `guest_roles` and what
    `roles` makes of the claim `roles_claim`. A token that names scopes holds those of them that are ours, after
    `scopes` has translated them. `tenant` (its slug or id; for guests its id) is where its tokens belong.

    Raises ConfigurationError for a secret or key that is too weak, and for algorithms of two kinds.
    """

    issuer: str
    audiences: tuple[str, ...]
    algorithms: tuple[str, ...]
    secret: Secret | None = None
    key: str | None = None
    key_set_url: str | None = None
    types: tuple[str, ...] = ("at+jwt", "application/at+jwt")
    guests: bool = False
    guest_roles: tuple[str, ...] = ()
    roles_claim: str = "roles"
    roles: Mapping[str, str] = field(default_factory=dict)
    scopes_claim: str = "scope"
    scopes: Mapping[str, str] = field(default_factory=dict)
    tenant: str | None = None
    skew_seconds: int = 30

    def __post_init__(self) -> None:
        if not self.issuer or not self.audiences or not all(self.audiences):
            raise _refuse(
                self, "has no issuer or no audience", "Name its `iss` and the `aud` that stands for this app."
            )
        if sum(each is not None for each in (self.secret, self.key, self.key_set_url)) != 1:
            raise _refuse(self, "is verified by none or by several of secret, key and key_set_url", "Give one of them.")
        self._refuse_algorithms()
        if self.secret is not None:
            self._refuse_secret(self.secret.reveal())
        if self.key is not None and public_key(self.key_parts(), self.algorithms) is None:
            raise _refuse(
                self, "has a key that does not fit its algorithms, or an RSA key of fewer than 2048 bits", _FIX
            )
        if self.guests and self.tenant is not None and as_uuid(self.tenant) is None:
            raise _refuse(
                self, "has guests in a tenant that is not named by its id", "mainstay tenants list shows ids."
            )
        if self.key_set_url is not None and urlsplit(self.key_set_url).scheme not in ("https", "http"):
            raise _refuse(self, "has a key_set_url that is no https address", _FIX)

    def key_parts(self) -> str | dict[str, object]:
        """The key as it was given: PEM, or the parts of a JWK."""
        text = (self.key or "").strip()
        if not text.startswith("{"):
            return text
        try:
            parts: dict[str, object] = json.loads(text)
        except ValueError:
            return ""
        return parts

    def guest_tenant(self) -> UUID:
        """The tenant that guests are in."""
        return (as_uuid(self.tenant) if self.tenant else None) or DEFAULT_TENANT

    @property
    def plain(self) -> bool:
        """Whether its keys would travel in clear."""
        return self.key_set_url is not None and urlsplit(self.key_set_url).scheme == "http"

    def _refuse_algorithms(self) -> None:
        strange = [each for each in self.algorithms if each not in ALGORITHMS]
        if strange or not self.algorithms:
            named = ", ".join(strange) or "no algorithm"
            raise _refuse(self, f"names {named}", f"Name some of: {', '.join(ALGORITHMS)}.")
        shared = [each in SECRET_BYTES for each in self.algorithms]
        # One key for both kinds is how a public key comes to be taken for a secret (RFC 8725 §2.1).
        if any(shared) != (self.secret is not None) or (any(shared) and not all(shared)):
            raise _refuse(
                self,
                "mixes what a secret verifies and what a public key does",
                "Give HS256 a secret, the others a key.",
            )

    def _refuse_secret(self, secret: str) -> None:
        least = max(SECRET_BYTES[each] for each in self.algorithms)
        if len(secret.encode()) < least:
            raise _refuse(
                self,
                f"has a secret of {len(secret.encode())} bytes; {self.algorithms[0]} needs at least {least}",
                "Issue tokens with a longer one, or verify them with a public key (RFC 7518 §3.2).",
            )
        if len(set(secret)) < 10 or "-----BEGIN" in secret or secret.lstrip().startswith(("{", "ssh-")):
            raise _refuse(self, "has a secret that can be guessed, or that is a public key", _FIX)


def as_uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _refuse(issuer: ForeignIssuer, what: str, fix: str) -> ConfigurationError:
    return ConfigurationError(f"The issuer {issuer.issuer or '(unnamed)'} {what}.", fix=fix)
