"""Reads access tokens of other issuers (RFC 7519, RFC 8725): nothing is guessed, everything was declared."""

import math
import re
from dataclasses import dataclass
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError

from mainstay.identity.jose.foreign_issuer import ForeignIssuer
from mainstay.identity.jose.public_key import ForeignKey
from mainstay.identity.jose.strict import canonical, decode, strict_object
from mainstay.identity.tokens.access_token import LAST_SECOND, refused

LONGEST = 8192
LONGEST_SUBJECT = 255
_form = re.compile(rb"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]{43,})")
# All others are ways to make the verifier trust what the caller brought, or to read the token differently.
_HEADERS = frozenset({"alg", "typ", "kid", "x5t", "x5t#S256"})
# Signs of an id token or a logout token, and of a token that is of no use without a proof that is not asked for here.
_OF_OTHERS = ("nonce", "at_hash", "c_hash", "s_hash", "events", "cnf")
_NO_ACCESS = ("id", "refresh", "logout")


@dataclass(frozen=True, slots=True)
class Unverified:
    """What a token says of itself. Nothing of it is proved."""

    algorithm: str
    type: str
    kid: str | None
    issuer: str


def read(token: bytes) -> Unverified:
    """Raises SignInRequired for what is no token at all, and for headers that none should have."""
    form = _form.fullmatch(token) if len(token) <= LONGEST else None
    if form is None or not all(canonical(part) for part in form.groups()):
        raise refused()
    try:
        header, claims = strict_object(decode(form[1])), strict_object(decode(form[2]))
    except ValueError:
        raise refused() from None
    algorithm, kind, kid, issuer = header.get("alg"), header.get("typ", ""), header.get("kid"), claims.get("iss")
    if not header.keys() <= _HEADERS or not isinstance(algorithm, str) or not isinstance(kind, str):
        raise refused()
    if not isinstance(issuer, str) or not (kid is None or isinstance(kid, str)):
        raise refused()
    return Unverified(algorithm, kind, kid, issuer)


def admits(issuer: ForeignIssuer, said: Unverified) -> bool:
    """Whether this issuer signs with that algorithm and calls its access tokens that."""
    # Media types know no case (RFC 7515 §4.1.9).
    return said.algorithm in issuer.algorithms and said.type.lower() in {each.lower() for each in issuer.types}


def verify(token: bytes, key: ForeignKey, said: Unverified, issuer: ForeignIssuer, at: float) -> dict[str, Any]:
    """The claims of a token that the issuer signed for us and that is good at this moment. Raises SignInRequired."""
    try:
        claims = strict_object(jws.deserialize_compact(token, key, algorithms=[said.algorithm]).payload)
    except (JoseError, ValueError, TypeError):
        raise refused() from None
    audience = claims.get("aud")
    named = audience if isinstance(audience, list) else [audience]
    if claims.get("iss") != issuer.issuer or not any(each in issuer.audiences for each in named if type(each) is str):
        raise refused()
    if any(name in claims for name in _OF_OTHERS):
        raise refused()
    if any(str(claims.get(name, "")).lower() in _NO_ACCESS for name in ("token_use", "typ", "token_type")):
        raise refused()
    _require_present(claims, issuer, at)
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= LONGEST_SUBJECT or not subject.isprintable():
        raise refused()
    return claims


def words(claims: dict[str, Any], name: str) -> list[str] | None:
    """The names in a claim, whether it is a list or one text with blanks (RFC 8693 §4.2); None where it is absent.

    A claim of another form names nothing.
    """
    if name not in claims:
        return None
    value = claims[name]
    if isinstance(value, str):
        return value.split()
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def _require_present(claims: dict[str, Any], issuer: ForeignIssuer, at: float) -> None:
    ends = _moment(claims["exp"]) if "exp" in claims else None
    if ends is None or ends <= at:
        raise refused()
    for name in ("nbf", "iat"):
        if name in claims:
            begins = _moment(claims[name])
            if begins is None or begins > at + issuer.skew_seconds:
                raise refused()


def _moment(value: Any) -> float | None:
    # NumericDate (RFC 7519 §2) may have a fraction; true and "1900000000" are none.
    if type(value) not in (int, float) or not math.isfinite(value) or not 0 < value <= LAST_SECOND:
        return None
    return float(value)
