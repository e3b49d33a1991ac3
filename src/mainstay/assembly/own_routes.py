"""What an app's own routes ask for, looked at before it starts: a mistake would open a route to all, or to nobody."""

from collections.abc import Iterator, Sequence
from contextlib import suppress

from fastapi.dependencies.models import Dependant
from fastapi.routing import RouteContext, iter_route_contexts
from starlette.routing import BaseRoute

from mainstay.base.errors import ConfigurationError
from mainstay.identity import current_user
from mainstay.identity.catalogue import Catalogue


def check_own_routes(routes: Sequence[BaseRoute], catalogue: Catalogue, *, counted: bool) -> None:
    """Raises ConfigurationError for a scope that nobody declared, naming the nearest, and, where requests are not
    `counted`, for a route with a limit of its own.

    Looked at are `Security(current_user, scopes=[...])`, `require_scopes`, `require_any_scope` and `limited`; other
    schemes' scopes are their own business.
    """
    for context in _contexts(routes):
        dependant = getattr(context, "dependant", None) or getattr(context.original_route, "dependant", None)
        if dependant is None:
            continue
        for scope in _asked(dependant):
            catalogue.require(scope, f"{context.path} asks for the scope {scope}, which is none.")
        if not counted:
            for limit in _limits(dependant):
                raise not_counted(f"{context.path} is held to {limit}")


def _contexts(routes: Sequence[BaseRoute]) -> Iterator[RouteContext]:
    for route in routes:
        # FastAPI refuses some routes in words of its own, once they are asked for.
        with suppress(AssertionError):
            yield from list(iter_route_contexts([route]))


def not_counted(what: str) -> ConfigurationError:
    """The refusal of a limit that would not hold."""
    return ConfigurationError(
        f"{what}, and limits are off.",
        fix="Switch them on, Mainstay(limits=LimitsOptions()) or MAINSTAY_LIMITS=true, or say MAINSTAY_LIMITS=false.",
    )


def _asked(dependant: Dependant, above: tuple[str, ...] = ()) -> Iterator[str]:
    here = (*above, *(dependant.own_oauth_scopes or ()))
    if dependant.call is current_user:
        yield from here
    yield from getattr(dependant.call, "scopes_asked_for", ())
    for below in dependant.dependencies:
        yield from _asked(below, here)


def _limits(dependant: Dependant) -> Iterator[str]:
    limit = getattr(dependant.call, "held_to", None)
    if limit is not None:
        yield limit
    for below in dependant.dependencies:
        yield from _limits(below)
