"""All pages, put together."""

from collections.abc import Callable
from pathlib import Path

from starlette.routing import BaseRoute

from mainstay.base.ports import Identify
from mainstay.identity.identity import Identity
from mainstay.identity.pages.letters import by_letter, landings
from mainstay.identity.pages.options import PageOptions
from mainstay.identity.pages.own.account import Export, own_account
from mainstay.identity.pages.own.api_keys import own_api_keys
from mainstay.identity.pages.own.connections import own_connections
from mainstay.identity.pages.own.factors import own_factors
from mainstay.identity.pages.own.picture import own_picture
from mainstay.identity.pages.own.preferences import own_preferences
from mainstay.identity.pages.own.sessions import own_sessions
from mainstay.identity.pages.second_step import second_step
from mainstay.identity.pages.signing_in import signing_in
from mainstay.identity.pages.signing_up import signing_up
from mainstay.identity.pages.site import Site
from mainstay.web.pages import ThemedPages

OURS = Path(__file__).parent / "templates"


def page_routes(
    identity: Identity, identify: Callable[[], Identify], options: PageOptions, export: Export | None = None
) -> list[BaseRoute]:
    """Below `options.path`, and `/auth/<page>?token=` for the links in letters. `export` packs what is held about
    somebody; without it nothing is said of it.
    """
    site = Site(identity, identify, options, ThemedPages(OURS, options.theme))
    parts = (
        signing_in(site),
        second_step(site),
        signing_up(site),
        by_letter(site),
        own_account(site, export),
        own_picture(site),
        own_preferences(site),
        own_sessions(site),
        own_factors(site),
        own_connections(site),
        own_api_keys(site),
        landings(site),
    )
    return [route for part in parts for route in part]
