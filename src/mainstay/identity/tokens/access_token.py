"""Access tokens: JWTs of type `at+jwt` (RFC 9068), signed and read with the one algorithm of the key they name."""

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
from joserfc import jws
from joserfc.errors import JoseError

from mainstay.base.errors import SignInRequired
from mainstay.base.ids import uuid7
from mainstay.identity.jose.strict import canonical, is_low, strict_object
from mainstay.identity.options import IdentityOptions
from mainstay.identity.signing.signing_key import SigningKey

LONGEST = 4096
# Three parts in the URL-safe alphabet; the shortest signature of ours has 64 bytes, hence 86 characters.
_form = re.compile(rb"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]{86,})")
_REQUIRED: dict[str, type] = {
    "iss": str, "aud": str, "exp": int, "iat": int, "nbf": int, "jti": str, "sid": str, "sub": str, "tid": str,
}  # fmt: skip
_OPTIONAL: dict[str, type] = {"scope": str, "client_id": str, "auth_time": int, "amr": list, "act": dict, "gen": int}
LAST_SECOND = 253_402_300_799  # of the year 9999


@dataclass(frozen=True, slots=True)
class Claims:
    """What a verified token says. `scopes` is None unless the session asked for fewer than its roles give."""

    user_id: UUID
    session_id: UUID
    tenant_id: UUID
    scopes: frozenset[str] | None
    expires: int
    generation: int


def sign(
    key: SigningKey,
    options: IdentityOptions,
    now: int,
    user: UUID | str,
    session: UUID | str,
    tenant: UUID | str,
    scopes: str | None,
    *,
    auth_time: int | None = None,
    amr: Collection[str] = (),
    impersonator: UUID | None = None,
    generation: int = 0,
) -> str:
    """A token for this session, valid from `now` (seconds since 1970) for `options.access_seconds`.

    `auth_time` and `amr` say when and how the user was authenticated (RFC 9068 §2.2.1); `impersonator` is the actor
    of RFC 8693 §4.1: the one who acts as the user; `generation` is the number of the family token given beside it.
    """
    claims: dict[str, Any] = {
        "iss": options.issuer, "aud": options.audience, "iat": now, "nbf": now, "exp": now + options.access_seconds,
        "jti": str(uuid7()), "sid": str(session), "sub": str(user), "tid": str(tenant), "client_id": options.client_id,
        "gen": generation,
    }  # fmt: skip
    if scopes is not None:
        claims["scope"] = scopes
    if auth_time is not None:
        claims["auth_time"] = auth_time
    if amr:
        claims["amr"] = sorted(amr)
    if impersonator is not None:
        claims["act"] = {"sub": str(impersonator)}
    return key.sign(orjson.dumps(claims))


def head_of(token: bytes) -> bytes:
    """The first part of an unverified token. Raises SignInRequired unless it is spelled in the one way there is."""
    form = _form.fullmatch(token) if len(token) <= LONGEST else None
    if form is None or not all(canonical(part) for part in form.groups()):
        raise refused()
    return form[1]


def verify(token: bytes, key: SigningKey, options: IdentityOptions, now: Callable[[], int]) -> Claims:
    """The claims of a token signed by `key`. Raises SignInRequired for anything else."""
    # Not the algorithm that the token names: the key's own (RFC 8725 §3.1).
    try:
        signed = jws.deserialize_compact(token, key.pair, algorithms=[key.algorithm])
        claims = strict_object(signed.payload)
    except (JoseError, ValueError, TypeError):
        raise refused() from None
    if key.algorithm == "ES256" and not is_low(token):
        raise refused()
    if any(type(claims.get(name)) is not kind for name, kind in _REQUIRED.items()):
        raise refused()
    if any(type(claims[name]) is not kind for name, kind in _OPTIONAL.items() if name in claims):
        raise refused()
    if claims["iss"] != options.issuer or claims["aud"] != options.audience:
        raise refused()
    _require_present(claims, options, now())
    scope = claims.get("scope")
    return Claims(
        _uuid(claims["sub"]),
        _uuid(claims["sid"]),
        _uuid(claims["tid"]),
        None if scope is None else frozenset(scope.split()),
        claims["exp"],
        claims.get("gen", 0),
    )


def refused(detail: str = "The access token is not valid.") -> SignInRequired:
    return SignInRequired(detail, error="invalid_token")


def _require_present(claims: dict[str, Any], options: IdentityOptions, at: int) -> None:
    if not 0 < claims["exp"] <= LAST_SECOND or claims["exp"] <= at:
        raise refused()
    if claims["nbf"] > at + options.skew_seconds or claims["iat"] > at + options.skew_seconds:
        raise refused()


def _uuid(text: str) -> UUID:
    try:
        found = UUID(text)
    except ValueError:
        raise refused() from None
    # UUID() also reads braces, `urn:uuid:` and capitals; we never write them.
    if str(found) != text:
        raise refused()
    return found
