"""Signing keys: made here, sealed under the master key, opened by every worker that shares it."""

import base64
import os
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from joserfc.jwk import ECKey

from mainstay.base.errors import ConfigurationError
from mainstay.base.secret import MasterKey

ALGORITHM = "ES256"
_NONCE = 12


@dataclass(frozen=True, slots=True)
class SigningKey:
    """An ES256 key pair. `kid` is its thumbprint (RFC 7638), so that two keys never share one."""

    kid: str
    pair: ECKey

    @classmethod
    def generate(cls) -> "SigningKey":
        pair = ECKey.generate_key("P-256", private=True)
        return cls(pair.thumbprint(), pair)

    def public(self) -> dict[str, str]:
        """The public half as a JWK (RFC 7517), for the key set."""
        shown = self.pair.as_dict(private=False)
        return {"kty": "EC", "crv": "P-256", "x": str(shown["x"]), "y": str(shown["y"]), "kid": self.kid} | {
            "use": "sig",
            "alg": ALGORITHM,
        }


class Seal:
    """AES-256-GCM under a key of its own; a sealed key opens only under the kid it was sealed for."""

    def __init__(self, master: MasterKey) -> None:
        self._cipher = AESGCM(master.derive("identity/signing-keys"))

    def close(self, key: SigningKey) -> str:
        nonce = os.urandom(_NONCE)
        sealed = self._cipher.encrypt(nonce, key.pair.as_pem(private=True), _bound_to(key.kid))
        return base64.b64encode(nonce + sealed).decode()

    def open(self, kid: str, sealed: str) -> SigningKey:
        """The key pair. Raises ConfigurationError when it was sealed under another master key, or altered."""
        raw = base64.b64decode(sealed)
        try:
            opened = self._cipher.decrypt(raw[:_NONCE], raw[_NONCE:], _bound_to(kid))
        except InvalidTag:
            raise ConfigurationError(
                "The signing keys in the database were sealed under another MAINSTAY_SECRET_KEY.",
                fix="Start with the key this database was created with. If it is lost, delete the rows of"
                " mainstay_signing_keys: new keys are made and everybody signs in again.",
            ) from None
        pair = ECKey.import_key(opened)
        if pair.thumbprint() != kid:
            raise ConfigurationError(f"The signing key {kid} holds another key.", fix="Restore the row from a backup.")
        return SigningKey(kid, pair)


def _bound_to(kid: str) -> bytes:
    return b"mainstay/signing-key/" + kid.encode()
