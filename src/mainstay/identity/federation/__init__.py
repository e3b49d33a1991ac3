"""Sign-in with others: OpenID Connect issuers, Entra ID, Google, GitHub, and any OAuth2 provider.

Alone, beside the identity room:

    google = Provider("google", client_id="…", client_secret=Secret("…"), **presets.google())
    identity = Identity(database, system, key, fetch=Fetcher().fetch, federation=FederationOptions((google,)))
    # auth_routes(identity) has /auth/federation/google/start then
"""

from mainstay.identity.federation import presets
from mainstay.identity.federation.options import FederationOptions, Provider

__all__ = ["FederationOptions", "Provider", "presets"]
