"""Public keys of other issuers: only ones that fit the algorithm they are for, and are strong enough."""

from collections.abc import Iterable, Mapping
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from mainstay.identity.jose.strict import decode

ForeignKey = RSAKey | ECKey | OKPKey | OctKey
# Bytes a secret needs at least (RFC 7518 §3.2).
SECRET_BYTES: dict[str, int] = {"HS256": 32, "HS384": 48, "HS512": 64}
RSA_BITS = 2048
MOST_RSA_BITS = 8192  # a larger one would make each check expensive
_CURVES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}
_PARTS = {"RSA": ("n", "e"), "EC": ("crv", "x", "y"), "OKP": ("crv", "x")}


def public_key(given: str | Mapping[str, Any], algorithms: Iterable[str]) -> ForeignKey | None:
    """The key, if it can verify at least one of the algorithms; None for any other, and for a weak one."""
    key = _imported(given)
    return key if key is not None and any(fits(key, each) for each in algorithms) else None


def fits(key: ForeignKey, algorithm: str) -> bool:
    """Whether this key is for this algorithm."""
    if isinstance(key, OctKey):
        return algorithm in SECRET_BYTES
    if isinstance(key, RSAKey):
        return algorithm[:2] in ("RS", "PS") and key.public_key.key_size >= RSA_BITS
    if isinstance(key, ECKey):
        return _CURVES.get(algorithm) == key.curve_name
    return algorithm == "Ed25519" and key.curve_name == "Ed25519"


def key_set(document: Any, algorithms: tuple[str, ...]) -> dict[str, ForeignKey]:
    """The keys of a key set (RFC 7517 §5) that may verify signatures, by kid; "" for one without.

    What is not understood is left out, as the RFC asks, and so is a kid that two keys share.
    """
    listed = document.get("keys") if isinstance(document, dict) else None
    found: dict[str, ForeignKey] = {}
    twice: set[str] = set()
    for jwk in listed if isinstance(listed, list) else ():
        if not isinstance(jwk, dict) or not _signs(jwk):
            continue
        allowed = [each for each in algorithms if jwk.get("alg") in (None, each)]
        key, kid = public_key(jwk, allowed), jwk.get("kid", "")
        if key is None or not isinstance(kid, str):
            continue
        if kid in found:
            twice.add(kid)
        found[kid] = key
    return {kid: key for kid, key in found.items() if kid not in twice}


def _signs(jwk: Mapping[str, Any]) -> bool:
    operations = jwk.get("key_ops")
    verifies = operations is None or (isinstance(operations, list) and "verify" in operations)
    return jwk.get("use") in (None, "sig") and verifies


def _imported(given: str | Mapping[str, Any]) -> ForeignKey | None:
    try:
        if isinstance(given, str):
            return _from_pem(given)
        parts = _PARTS.get(str(given.get("kty")))
        if parts is None:  # a symmetric key has no place in what everybody can read
            return None
        public = {"kty": given["kty"], **{name: given[name] for name in parts}}
        key: RSAKey | ECKey | OKPKey
        if given["kty"] == "RSA":
            if not RSA_BITS <= 8 * len(decode(str(given["n"]).encode())) <= MOST_RSA_BITS:
                return None
            key = RSAKey.import_key(public)
        else:
            key = ECKey.import_key(public) if given["kty"] == "EC" else OKPKey.import_key(public)
        _ = key.public_key  # parsed only now
        return key
    except (JoseError, ValueError, TypeError, KeyError, OverflowError, UnsupportedAlgorithm):
        return None


def _from_pem(text: str) -> ForeignKey | None:
    # Public halves alone: who was given a private one by mistake should not keep it in a setting.
    raw = load_pem_public_key(text.encode())
    if isinstance(raw, RSAPublicKey):
        return RSAKey.import_key(raw) if RSA_BITS <= raw.key_size <= MOST_RSA_BITS else None
    return ECKey.import_key(text) if isinstance(raw, EllipticCurvePublicKey) else OKPKey.import_key(text)
