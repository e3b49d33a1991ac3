"""What providers publish of themselves: metadata and keys, fetched when needed and kept for an hour."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import Key, KeySet

from mainstay.base.clock import Clock
from mainstay.base.errors import Rejected
from mainstay.identity.federation.errors import ProviderAway
from mainstay.identity.federation.options import ALGORITHMS, Provider
from mainstay.identity.ports import Fetch

KEPT_SECONDS = 3600.0
# Tokens that name a key nobody knows may not have us ask the issuer more often than this.
RELOAD_SECONDS = 10.0
# Nor may people who try again while it is away: they would wait for it one after the other.
AWAY_SECONDS = 5.0
_GUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
TENANT = "{tenantid}"


@dataclass(frozen=True, slots=True)
class Metadata:
    """Of OpenID Connect Discovery 1.0 §3 what is needed. `says_iss`: RFC 9207 §3."""

    issuer: str
    authorize_url: str
    token_url: str
    userinfo_url: str | None
    jwks_url: str | None
    says_iss: bool
    algorithms: tuple[str, ...]


class Issuers:
    """Metadata and keys of each provider. One request at a time for each; what was known is used while one is away."""

    def __init__(self, fetch: Fetch, clock: Clock) -> None:
        self._fetch, self._clock = fetch, clock
        self._metadata: dict[str, tuple[float, Metadata]] = {}
        self._keys: dict[str, tuple[float, tuple[Key, ...]]] = {}
        self._turns: dict[str, asyncio.Lock] = {}
        self._away: dict[str, float] = {}

    async def metadata(self, provider: Provider) -> Metadata:
        """Raises ProviderAway where it cannot be had, or is another issuer's."""
        if provider.kind == "oauth2":
            return Metadata(
                provider.issuer, provider.authorize_url, provider.token_url, provider.userinfo_url, None, False, ()
            )
        async with self._turn(provider.name):
            at, known = self._metadata.get(provider.name, (float("-inf"), None))
            if known is not None and self._clock.monotonic() - at < KEPT_SECONDS:
                return known
            try:
                found = _metadata(provider, await self._published(provider, _well_known(provider.issuer)))
            except Rejected:
                if known is None:
                    raise
                found = known
            self._metadata[provider.name] = self._clock.monotonic(), found
            return found

    async def key(self, provider: Provider, kid: str | None, algorithm: str) -> Key | None:
        """The key of that id for that algorithm; without an id, the only one there is. Raises ProviderAway."""
        metadata = await self.metadata(provider)
        async with self._turn(provider.name):
            at, known = self._keys.get(provider.name, (float("-inf"), ()))
            age = self._clock.monotonic() - at
            found = _choose(known, kid, algorithm) if age < KEPT_SECONDS else None
            if found is not None or age < RELOAD_SECONDS or metadata.jwks_url is None:
                return found
            try:
                fetched = _key_set(await self._published(provider, metadata.jwks_url))
            except Rejected:
                if not known:
                    raise
                fetched = known
            self._keys[provider.name] = self._clock.monotonic(), fetched
            return _choose(fetched, kid, algorithm)

    async def get(self, provider: Provider, url: str, headers: Mapping[str, str] | None = None) -> Any:
        """JSON from the provider. Raises ProviderAway for anything but success."""
        trusting = url if provider.kind == "oauth2" else provider.issuer
        answer = await self._fetch(url, headers={"Accept": "application/json", **(headers or {})}, trusting=trusting)
        if answer.status != 200:
            raise ProviderAway(f"{provider.name} answered {answer.status} at {url}")
        return answer.json()

    async def _published(self, provider: Provider, url: str) -> Any:
        if self._clock.monotonic() - self._away.get(url, float("-inf")) < AWAY_SECONDS:
            raise ProviderAway(f"{provider.name} did not answer a moment ago")
        try:
            return await self.get(provider, url)
        except Rejected:
            self._away[url] = self._clock.monotonic()
            raise

    def _turn(self, name: str) -> asyncio.Lock:
        return self._turns.setdefault(name, asyncio.Lock())


def expected_issuer(provider: Provider, metadata: Metadata, tenant: object) -> str | None:
    """Whom a token has to come from. Of a templated issuer: the one of the tenant that the token names."""
    if not provider.templated or TENANT not in metadata.issuer:
        return metadata.issuer
    if not isinstance(tenant, str) or re.fullmatch(_GUID, tenant) is None:
        return None
    return metadata.issuer.replace(TENANT, tenant)


def _well_known(issuer: str) -> str:
    return issuer.rstrip("/") + "/.well-known/openid-configuration"


def _metadata(provider: Provider, told: Any) -> Metadata:
    if not isinstance(told, dict):
        raise ProviderAway(f"{provider.name} publishes no metadata")

    def url(name: str, *, needed: bool = True) -> str | None:
        value = told.get(name)
        if isinstance(value, str) and value.startswith(("https://", "http://")):
            return value
        if needed:
            raise ProviderAway(f"{provider.name} publishes no {name}")
        return None

    issuer = told.get("issuer")
    # §4.3: the same, character for character. Entra's says which tenant in place of the name that was configured.
    same = issuer == provider.issuer or (provider.templated and _templated(provider.issuer, issuer))
    if not isinstance(issuer, str) or not same:
        raise ProviderAway(f"{provider.name} publishes metadata of the issuer {str(issuer)[:200]!r}")
    offered = told.get("id_token_signing_alg_values_supported")
    algorithms = tuple(each for each in ALGORITHMS if not isinstance(offered, list) or each in offered)
    return Metadata(
        issuer,
        url("authorization_endpoint") or "",
        url("token_endpoint") or "",
        url("userinfo_endpoint", needed=False),
        url("jwks_uri") or "",
        told.get("authorization_response_iss_parameter_supported") is True,
        algorithms,
    )


def _templated(configured: str, told: object) -> bool:
    """`…/common/v2.0` publishes `…/{tenantid}/v2.0`, and a tenant's name its number."""
    base, _, rest = configured.removesuffix("/v2.0").rpartition("/")
    pattern = rf"{re.escape(base)}/(?:{re.escape(TENANT)}|{_GUID})/v2\.0"
    return bool(rest) and isinstance(told, str) and re.fullmatch(pattern, told) is not None


def _key_set(told: Any) -> tuple[Key, ...]:
    listed = told.get("keys") if isinstance(told, dict) else None
    keys: list[Key] = []
    for each in listed if isinstance(listed, list) else ():
        try:
            # One by one: a key of a kind that is not known here is no reason to trust none of them.
            keys += KeySet.import_key_set({"keys": [each]}).keys
        except (JoseError, ValueError, TypeError, KeyError, AttributeError):
            continue
    return tuple(keys)


def _choose(keys: tuple[Key, ...], kid: str | None, algorithm: str) -> Key | None:
    kinds = {"RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}
    fitting = [
        key
        for key in keys
        if key.key_type == kinds[algorithm[:2]]
        and key.get("use", "sig") == "sig"
        and key.get("alg", algorithm) == algorithm
    ]
    if kid is None:
        return fitting[0] if len(fitting) == 1 else None
    return next((key for key in fitting if key.kid == kid), None)
