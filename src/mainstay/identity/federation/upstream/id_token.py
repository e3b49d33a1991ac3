"""Verify an id_token (OpenID Connect Core 1.0 §3.1.3.7): every check that there is, and nothing taken on trust."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError

from mainstay.identity.federation.errors import ProofRefused
from mainstay.identity.federation.options import Provider
from mainstay.identity.federation.upstream.issuers import Issuers, expected_issuer

Claims = Mapping[str, Any]
LONGEST = 16_384
_SKEW = 60
# A token that was made long ago was not made for this sign-in.
_OLDEST = 600
_HASHES = {"256": hashlib.sha256, "384": hashlib.sha384, "512": hashlib.sha512}


async def verify_id_token(
    issuers: Issuers,
    provider: Provider,
    token: object,
    *,
    nonce: str,
    now: datetime,
    access_token: str | None,
    code: str,
) -> Claims:
    """The claims. Raises ProofRefused for a token that is not the provider's, ours, of this sign-in and of now."""
    if not isinstance(token, str) or not token.isascii() or len(token) > LONGEST or token.count(".") != 2:
        raise ProofRefused("the id_token is none")
    metadata = await issuers.metadata(provider)
    header = _header(token)
    algorithm, kid = header.get("alg"), header.get("kid")
    if algorithm not in metadata.algorithms:
        raise ProofRefused(f"the id_token is signed by {str(algorithm)[:20]!r}")
    if str(header.get("typ", "JWT")).upper() != "JWT" or (kid is not None and not isinstance(kid, str)):
        raise ProofRefused("the id_token's header names another type, or a kid that is none")
    key = await issuers.key(provider, kid, algorithm)
    if key is None:
        raise ProofRefused("the id_token is signed by a key that the issuer does not publish")
    try:
        # The list of algorithms is what keeps this from trusting the header: "none" and HMAC are not in it.
        claims = json.loads(jws.deserialize_compact(token, key, algorithms=[algorithm]).payload)
    except (JoseError, ValueError, RecursionError):
        raise ProofRefused("the id_token's signature does not hold") from None
    if not isinstance(claims, dict):
        raise ProofRefused("the id_token holds no claims")
    if claims.get("iss") != expected_issuer(provider, metadata, claims.get("tid")):
        raise ProofRefused("the id_token is another issuer's")
    _for_us(claims, provider.client_id)
    _of_now(claims, now.timestamp())
    if not hmac.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode()):
        raise ProofRefused("the id_token's nonce is another")
    for name, value in (("at_hash", access_token), ("c_hash", code)):
        # §3.1.3.8: where it stands it has to fit; a missing value fits nothing.
        if name in claims and claims[name] != _half_hash(value or "", algorithm):
            raise ProofRefused(f"the id_token's {name} is another's")
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= 255 or not subject.isprintable():
        raise ProofRefused("the id_token names nobody")
    return claims


def _header(token: str) -> Claims:
    head = token.partition(".")[0]
    try:
        header = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    except (ValueError, RecursionError):
        raise ProofRefused("the id_token has no header") from None
    if not isinstance(header, dict) or "crit" in header:
        raise ProofRefused("the id_token's header cannot be understood")
    return header


def _for_us(claims: Claims, client_id: str) -> None:
    audience, party = claims.get("aud"), claims.get("azp")
    several = audience if isinstance(audience, list) else [audience]
    if client_id not in several or (len(several) > 1 and party is None) or party not in (None, client_id):
        raise ProofRefused("the id_token is for another client")


def _of_now(claims: Claims, now: float) -> None:
    times: dict[str, Any] = {name: claims.get(name) for name in ("exp", "iat")} | {"nbf": claims.get("nbf", 0)}
    if any(isinstance(each, bool) or not isinstance(each, int | float) for each in times.values()):
        raise ProofRefused("the id_token does not say when it holds")
    late = now >= times["exp"] + _SKEW or times["iat"] < now - _OLDEST - _SKEW
    if late or times["iat"] > now + _SKEW or times["nbf"] > now + _SKEW:
        raise ProofRefused("the id_token is not of now")


def _half_hash(value: str, algorithm: str) -> str:
    digest = _HASHES.get(algorithm[2:], hashlib.sha512)(value.encode()).digest()
    return base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()
