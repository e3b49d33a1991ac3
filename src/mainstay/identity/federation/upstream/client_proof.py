"""How this app proves itself at a provider's token endpoint (OpenID Connect Core 1.0 §9)."""

import base64
import json
from datetime import datetime
from typing import Any
from urllib.parse import quote_plus, urlencode

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

from mainstay.base.errors import ConfigurationError, Rejected
from mainstay.identity.federation.errors import ProviderAway
from mainstay.identity.federation.options import Provider
from mainstay.identity.federation.pending import fresh
from mainstay.identity.ports import Fetch

_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


async def ask_for_tokens(
    fetch: Fetch, provider: Provider, url: str, form: dict[str, str], now: datetime
) -> dict[str, Any] | None:
    """What the token endpoint gives; None where it refuses the grant. Raises ProviderAway for other answers."""
    form = dict(form)
    headers = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}
    secret = "" if provider.client_secret is None else provider.client_secret.reveal()
    match provider.authentication:
        case "basic":
            joined = f"{quote_plus(provider.client_id)}:{quote_plus(secret)}"  # RFC 6749 §2.3.1
            headers["Authorization"] = "Basic " + base64.b64encode(joined.encode()).decode()
        case "post":
            form |= {"client_id": provider.client_id, "client_secret": secret}
        case "private_key_jwt":
            assertion = _assertion(provider, url, int(now.timestamp()))
            form |= {
                "client_id": provider.client_id,
                "client_assertion_type": _ASSERTION,
                "client_assertion": assertion,
            }
        case _:
            form["client_id"] = provider.client_id
    trusting = url if provider.kind == "oauth2" else provider.issuer
    answer = await fetch(url, method="POST", headers=headers, content=urlencode(form).encode(), trusting=trusting)
    try:
        told = answer.json()
    except Rejected:
        told = None
    if not isinstance(told, dict):
        raise ProviderAway(f"the token endpoint of {provider.name} answered {answer.status} without JSON")
    # GitHub refuses with status 200.
    refused = told.get("error")
    if refused == "invalid_grant" or refused == "bad_verification_code":
        return None
    if answer.status != 200 or refused is not None or not isinstance(told.get("access_token"), str):
        said = refused if isinstance(refused, str) and refused.replace("_", "").isalpha() else ""
        raise ProviderAway(f"the token endpoint of {provider.name} answered {answer.status} {said[:60]}")
    return told


def read_key(provider: Provider) -> ECKey | RSAKey | OKPKey:
    """The key of private_key_jwt. Raises ConfigurationError."""
    text = "" if provider.private_key is None else provider.private_key.reveal()
    for kind in (ECKey, RSAKey, OKPKey):
        try:
            key = kind.import_key(json.loads(text) if text.lstrip().startswith("{") else text)
        except (JoseError, ValueError, TypeError, KeyError):
            continue
        if key.is_private:
            return key
    raise ConfigurationError(
        f"The provider {provider.name!r} proves itself by private_key_jwt, and its key cannot be read.",
        fix=f"Set MAINSTAY_FEDERATION__{provider.name.upper()}__PRIVATE_KEY to a private key as PEM or JWK.",
    )


def _assertion(provider: Provider, url: str, now: int) -> str:
    key = read_key(provider)
    algorithm = {"EC": "ES256", "RSA": "RS256", "OKP": "EdDSA"}[key.key_type]
    header = {"alg": algorithm, "typ": "JWT", **({"kid": key.kid} if key.kid else {})}
    claims = {
        "iss": provider.client_id,
        "sub": provider.client_id,
        "aud": url,
        "jti": fresh(),
        "iat": now,
        "exp": now + 60,
    }
    return jwt.encode(header, claims, key, algorithms=[algorithm])
