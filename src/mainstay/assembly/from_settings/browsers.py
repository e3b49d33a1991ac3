"""What the settings say of browsers: the app's edge, and whose pages may use its cookies."""

from collections.abc import Callable
from urllib.parse import urlsplit

from mainstay.assembly.live.origins import Origins
from mainstay.assembly.settings import Settings
from mainstay.base.client_address import ClientAddress
from mainstay.web.csrf import CsrfRules
from mainstay.web.headers import Edge, EdgeOptions


def edge_of(settings: Settings) -> Edge:
    """Who is turned away, and what every answer tells. In production the public address alone is served."""
    public = urlsplit(settings.public_url or "")
    is_https = public.scheme == "https"
    hosts, https = settings.hosts, settings.https
    if hosts is None:
        hosts = (public.hostname,) if settings.production and public.hostname else ()
    if https is None:
        # Without a trusted proxy nobody says which requests came by https: a redirect would go round in circles.
        https = settings.production and is_https and bool(settings.trusted_proxies)
    options = EdgeOptions(() if "*" in hosts else hosts, https, settings.public_url)
    return Edge(
        settings.headers.options(https=is_https),
        options,
        ClientAddress(settings.trusted_proxies).trusts,
        without=[name.lower() for name in settings.answer_headers],
    )


def csrf_of(settings: Settings, origins: Callable[[], Origins]) -> CsrfRules:
    """Pages of our own may use cookies, and those of origins that CORS allows credentials."""

    def allows(origin: str) -> bool:
        rules = origins().rules
        known = [rules.default, *rules.clients.values()]
        return any(rule is not None and rule.credentials and rule.allows(origin) for rule in known)

    return CsrfRules(allows, settings.public_url)


def secure_cookies(settings: Settings) -> bool:
    """Whether cookies are for https alone; not so on a developer's own machine, where there is none."""
    return not settings.relaxed or urlsplit(settings.public_url or "").scheme == "https"
