"""Access tokens: ES256 JWTs of type `at+jwt` (RFC 9068), signed and read with an explicit list of one algorithm."""

import base64
import binascii
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from mainstay.base.errors import SignInRequired
from mainstay.base.ids import uuid7
from mainstay.identity.keys.signing_key import ALGORITHM, SigningKey
from mainstay.identity.options import IdentityOptions

TYPE = "at+jwt"
LONGEST = 4096
# Three parts in the URL-safe alphabet; an ES256 signature is 64 bytes, hence 86 characters.
_form = re.compile(rb"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]{86})")
_REQUIRED: dict[str, type] = {
    "iss": str, "aud": str, "exp": int, "iat": int, "nbf": int, "jti": str, "sid": str, "sub": str, "tid": str,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Claims:
    """What a verified token says. `scopes` is None unless the session asked for fewer than its roles give."""

    user_id: UUID
    session_id: UUID
    tenant_id: UUID
    scopes: frozenset[str] | None
    expires: int


def sign(
    key: SigningKey, options: IdentityOptions, now: int, user: UUID, session: UUID, tenant: UUID, scopes: str | None
) -> str:
    """A token for this session, valid from `now` (seconds since 1970) for `options.access_seconds`."""
    claims: dict[str, Any] = {
        "iss": options.issuer, "aud": options.audience, "iat": now, "nbf": now, "exp": now + options.access_seconds,
        "jti": str(uuid7()), "sid": str(session), "sub": str(user), "tid": str(tenant),
    }  # fmt: skip
    if scopes is not None:
        claims["scope"] = scopes
    header = {"alg": ALGORITHM, "typ": TYPE, "kid": key.kid}
    return jws.serialize_compact(header, orjson.dumps(claims), key.pair, algorithms=[ALGORITHM])


def key_id(token: bytes) -> str:
    """The `kid` that an unverified token names. Raises SignInRequired unless the header is exactly one of ours."""
    form = _form.fullmatch(token) if len(token) <= LONGEST else None
    if form is None or not all(_canonical(part) for part in form.groups()):
        raise refused()
    header = _object(form[1])
    # Exactly these: `jwk`, `jku`, `x5u` and `crit` are ways to make the verifier trust what the caller brought.
    if header.keys() != {"alg", "typ", "kid"} or header["alg"] != ALGORITHM or header["typ"] != TYPE:
        raise refused()
    kid = header["kid"]
    if not isinstance(kid, str):
        raise refused()
    return kid


def verify(token: bytes, key: ECKey, options: IdentityOptions, now: Callable[[], int]) -> Claims:
    """The claims of a token signed by `key`. Raises SignInRequired for anything else."""
    try:
        signed = jws.deserialize_compact(token, key, algorithms=[ALGORITHM])
        claims = orjson.loads(signed.payload)
    except (JoseError, ValueError, TypeError):
        raise refused() from None
    if not isinstance(claims, dict) or any(type(claims.get(name)) is not kind for name, kind in _REQUIRED.items()):
        raise refused()
    if claims["iss"] != options.issuer or claims["aud"] != options.audience:
        raise refused()
    at = now()
    if claims["exp"] <= at:
        raise refused("The access token has expired.")
    if claims["nbf"] > at + options.skew_seconds or claims["iat"] > at + options.skew_seconds:
        raise refused()
    scope = claims.get("scope")
    if scope is not None and type(scope) is not str:
        raise refused()
    try:
        user, session, tenant = UUID(claims["sub"]), UUID(claims["sid"]), UUID(claims["tid"])
    except ValueError:
        raise refused() from None
    return Claims(user, session, tenant, None if scope is None else frozenset(scope.split()), claims["exp"])


def refused(detail: str = "The access token is not valid.") -> SignInRequired:
    return SignInRequired(detail, error="invalid_token")


def _canonical(part: bytes) -> bool:
    # Base64 has spare bits at its end: without this, several spellings of one token would all be accepted.
    try:
        decoded = base64.urlsafe_b64decode(part + b"=" * (-len(part) % 4))
    except (binascii.Error, ValueError):
        return False
    return base64.urlsafe_b64encode(decoded).rstrip(b"=") == part


def _object(part: bytes) -> dict[str, Any]:
    try:
        value = orjson.loads(base64.urlsafe_b64decode(part + b"=" * (-len(part) % 4)))
    except ValueError:
        raise refused() from None
    if not isinstance(value, dict):
        raise refused()
    return value
