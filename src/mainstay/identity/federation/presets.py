"""What is known of the providers that most people have: Entra ID, Google, GitHub."""

import re
from typing import Any

from mainstay.base.errors import ConfigurationError

_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_SHARED = frozenset({"common", "organizations", "consumers"})
ENTRA = "https://login.microsoftonline.com"
PRESETS = ("entra", "google", "github")


def entra(tenant: str, tenants: frozenset[str], *, any_tenant: bool, authority: str = ENTRA) -> dict[str, Any]:
    """Microsoft Entra ID: `tenant` is a number or name of one, or `common`, `organizations`, `consumers`.

    Raises ConfigurationError where people of any organisation would get in and nobody said so.
    """
    tenant = tenant.lower()
    if _GUID.fullmatch(tenant):
        tenants = tenants or frozenset({tenant})
    if bad := sorted(each for each in tenants if not _GUID.fullmatch(each)):
        raise ConfigurationError(
            f"Entra's tenants are told apart by number, and {bad[0]!r} is none.",
            fix="Name them as 8-4-4-4-12 hex digits: Entra's portal shows them as the directory (tenant) id.",
        )
    if not tenants and not any_tenant:
        shared = tenant in _SHARED
        raise ConfigurationError(
            f"With Entra's tenant {tenant!r} "
            + (
                "anybody with a Microsoft account may enter."
                if shared
                else "nothing says which number its tokens carry."
            ),
            fix="Name the numbers of the tenants that may enter in TENANTS"
            + (", or set ANY_TENANT=true if that is what you want." if shared else ", or in TENANT itself."),
        )
    return {
        "title": "Microsoft",
        "issuer": f"{authority.rstrip('/')}/{tenant}/v2.0",
        "templated": True,
        "tenants": tenants,
        "authentication": "post",
        # Its e-mail claim is what a tenant's administrators wrote, of whichever domain (nOAuth).
        "trust_email": "never",
    }


def google() -> dict[str, Any]:
    return {"title": "Google", "issuer": "https://accounts.google.com", "trust_email": "verified"}


def github(site: str = "https://github.com", api: str = "https://api.github.com") -> dict[str, Any]:
    """Not OpenID Connect: OAuth2, and an API that says whose the token is."""
    return {
        "title": "GitHub",
        "kind": "oauth2",
        "issuer": site,
        "authorize_url": f"{site}/login/oauth/authorize",
        "token_url": f"{site}/login/oauth/access_token",
        "userinfo_url": f"{api}/user",
        "emails_url": f"{api}/user/emails",
        "subject_field": "id",
        "authentication": "post",
        "scopes": ("read:user", "user:email"),
        "trust_email": "verified",
    }
