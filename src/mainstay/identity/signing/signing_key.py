"""Signing keys: made here, sealed under the master key, opened by every worker that shares it."""

import base64
from dataclasses import dataclass, field
from typing import Any, Literal

import orjson
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc import jws
from joserfc.jwk import ECKey, OKPKey, RSAKey

from mainstay.base.errors import ConfigurationError
from mainstay.identity.jose.strict import ORDER
from mainstay.storage.sealing import Seal

Algorithm = Literal["ES256", "RS256", "Ed25519"]
Pair = ECKey | RSAKey | OKPKey
TYPE = "at+jwt"
RSA_BITS = 2048
LABEL = "identity/signing-keys"
_ES256 = ECDSA(SHA256())
_PUBLIC = ("kty", "crv", "x", "y", "n", "e")


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key pair for one algorithm. `kid` is its thumbprint (RFC 7638), so that two keys never share one."""

    kid: str
    pair: Pair
    algorithm: Algorithm = "ES256"
    # The first part of every access token it signs. A token whose first part differs in one byte is none of ours.
    head: bytes = field(init=False, repr=False)
    # The pair looks for its private half anew each time.
    _private: Any = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        head = orjson.dumps(self.header(TYPE))
        object.__setattr__(self, "head", base64.urlsafe_b64encode(head).rstrip(b"="))
        object.__setattr__(self, "_private", self.pair.private_key)

    @classmethod
    def generate(cls, algorithm: Algorithm = "ES256") -> "SigningKey":
        pair = _generate(algorithm)
        while pair.thumbprint().startswith("-"):  # on a command line it would be taken for an option
            pair = _generate(algorithm)
        return cls(pair.thumbprint(), pair, algorithm)

    def header(self, kind: str) -> dict[str, Any]:
        """The JOSE header of what it signs."""
        return {"alg": self.algorithm, "typ": kind, "kid": self.kid}

    def sign(self, payload: bytes) -> str:
        """The access token with these claims, as RFC 7515 §7.1 writes it; of ES256 the lower of two signatures."""
        if self.algorithm != "ES256":
            return jws.serialize_compact(self.header(TYPE), payload, self.pair, algorithms=[self.algorithm])
        # A token is signed for every sign-in and every refresh: going through a library of all algorithms costs as
        # much again as the signature.
        text = self.head + b"." + base64.urlsafe_b64encode(payload).rstrip(b"=")
        r, s = decode_dss_signature(self._private.sign(text, _ES256))
        signature = r.to_bytes(32) + min(s, ORDER - s).to_bytes(32)
        return (text + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")).decode()

    def public(self) -> dict[str, str]:
        """The public half as a JWK (RFC 7517), for the key set."""
        shown = self.pair.as_dict(private=False)
        halves = {name: str(shown[name]) for name in _PUBLIC if name in shown}
        return halves | {"kid": self.kid, "use": "sig", "alg": self.algorithm}


def seal_key(seal: Seal, key: SigningKey) -> str:
    """What is stored of it. It opens only under the kid it was sealed for."""
    return seal.close(key.pair.as_pem(private=True), bound_to(key.kid))


def open_key(seal: Seal, kid: str, algorithm: Algorithm, sealed: str) -> SigningKey:
    """The key pair. Raises ConfigurationError when it was sealed under another master key, or altered."""
    opened = seal.open(sealed, bound_to(kid))
    if opened is None:
        raise ConfigurationError(
            "The signing keys in the database were sealed under another MAINSTAY_SECRET_KEY.",
            fix="Start with the key this database was created with, or name that one in MAINSTAY_SECRET_KEY_PREVIOUS."
            " If it is lost, delete the rows of mainstay_signing_keys: new keys are made and everybody signs in again.",
        )
    pair = _kind(algorithm).import_key(opened)
    if pair.thumbprint() != kid:
        raise ConfigurationError(f"The signing key {kid} holds another key.", fix="Restore the row from a backup.")
    return SigningKey(kid, pair, algorithm)


def bound_to(kid: str) -> bytes:
    return b"mainstay/signing-key/" + kid.encode()


def _generate(algorithm: Algorithm) -> Pair:
    match algorithm:
        case "ES256":
            return ECKey.generate_key("P-256", private=True)
        case "RS256":
            return RSAKey.generate_key(RSA_BITS, private=True)
        case "Ed25519":
            return OKPKey.generate_key("Ed25519", private=True)


def _kind(algorithm: Algorithm) -> type[ECKey] | type[RSAKey] | type[OKPKey]:
    match algorithm:
        case "ES256":
            return ECKey
        case "RS256":
            return RSAKey
        case "Ed25519":
            return OKPKey
