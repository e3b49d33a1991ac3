"""Whom a provider says somebody is, as far as it may be believed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mainstay.base.errors import Rejected
from mainstay.identity.email_address import require_address
from mainstay.identity.federation.errors import NotAdmitted, ProofRefused
from mainstay.identity.federation.options import Provider
from mainstay.identity.federation.upstream.issuers import Issuers, Metadata

Claims = Mapping[str, Any]
LONGEST_NAME = 100


@dataclass(frozen=True, slots=True)
class Person:
    """`issuer` and `subject` are who it is. `email` is normalised; `email_proved`, whether it may make an account."""

    issuer: str
    subject: str
    email: str | None
    email_proved: bool
    name: str | None


async def who_is(
    issuers: Issuers, provider: Provider, metadata: Metadata, claims: Claims | None, access_token: str
) -> Person:
    """Somebody with these verified claims; of an OAuth2 provider, whom its API calls the token's owner.

    Raises ProofRefused where the answers contradict each other, NotAdmitted for other tenants and domains.
    """
    if claims is None:
        return await _of_api(issuers, provider, access_token)
    _admit(provider, claims)
    told = claims
    if "email" not in claims and metadata.userinfo_url is not None:
        told = await _ask(issuers, provider, metadata.userinfo_url, access_token)
        # OpenID Connect Core 1.0 §5.3.2: a token that was exchanged for another's would tell of another.
        if told.get("sub") != claims["sub"]:
            raise ProofRefused("userinfo is of another subject than the id_token")
    email = _address(told.get(provider.email_field))
    proved = _proved(provider, told.get(provider.verified_field))
    return Person(str(claims["iss"]), str(claims["sub"]), email, proved, _name(claims.get("name", told.get("name"))))


async def _of_api(issuers: Issuers, provider: Provider, access_token: str) -> Person:
    told = await _ask(issuers, provider, provider.userinfo_url, access_token)
    subject = told.get(provider.subject_field)
    if isinstance(subject, bool) or not isinstance(subject, str | int) or not 0 < len(str(subject)) <= 255:
        raise ProofRefused("the provider's API names nobody")
    email, verified = told.get(provider.email_field), told.get(provider.verified_field)
    if provider.emails_url:
        email, verified = _primary(await issuers.get(provider, provider.emails_url, _bearer(access_token)))
    name = _name(told.get(provider.name_field))
    return Person(provider.issuer, str(subject), _address(email), _proved(provider, verified), name)


async def _ask(issuers: Issuers, provider: Provider, url: str, access_token: str) -> Claims:
    told = await issuers.get(provider, url, _bearer(access_token))
    if not isinstance(told, dict):
        raise ProofRefused("the provider's API does not say who it is")
    return told


def _bearer(access_token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {access_token}"}


def _primary(told: Any) -> tuple[object, object]:
    for each in told if isinstance(told, list) else ():
        if isinstance(each, dict) and each.get("primary") is True:
            return each.get("email"), each.get("verified")
    return None, None


def _admit(provider: Provider, claims: Claims) -> None:
    if provider.tenants and claims.get("tid") not in provider.tenants:
        raise NotAdmitted("Accounts of this organisation may not enter here.")
    # Of the id_token, never of the request: `hd` in the address only chooses which accounts Google shows.
    if provider.domains and claims.get("hd") not in provider.domains:
        raise NotAdmitted("Accounts of this organisation may not enter here.")


def _proved(provider: Provider, verified: object) -> bool:
    # `is True`: some say "true", and somewhere "false" is a true string.
    return provider.trust_email == "always" or (provider.trust_email == "verified" and verified is True)


def _address(email: object) -> str | None:
    try:
        return require_address(email) if isinstance(email, str) else None
    except Rejected:
        return None


def _name(name: object) -> str | None:
    if not isinstance(name, str):
        return None
    return "".join(letter for letter in name if letter.isprintable()).strip()[:LONGEST_NAME] or None
