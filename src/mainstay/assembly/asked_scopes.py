"""The scopes that an app's own routes ask for, looked at before it starts: a misspelt one would let nobody in."""

import difflib
from collections.abc import Iterable, Iterator, Sequence

from fastapi.dependencies.models import Dependant
from fastapi.routing import iter_route_contexts
from starlette.routing import BaseRoute

from mainstay.base.errors import ConfigurationError
from mainstay.identity import current_user


def refuse_unknown_scopes(routes: Sequence[BaseRoute], known: Iterable[str]) -> None:
    """Raises ConfigurationError, with the nearest name, for a scope that nobody declared.

    Looked at are `Security(current_user, scopes=[...])`, `require_scopes` and `require_any_scope`; other schemes'
    scopes are their own business.
    """
    there = sorted(known)
    for context in iter_route_contexts(routes):
        dependant = getattr(context, "dependant", None) or getattr(context.original_route, "dependant", None)
        for scope in () if dependant is None else _asked(dependant):
            if scope not in there:
                near = difflib.get_close_matches(scope, there, n=1)
                hint = f"Did you mean {near[0]}?" if near else f'Declare it: app.scope("{scope}", "What it allows").'
                raise ConfigurationError(f"{context.path} asks for the scope {scope}, which is none.", fix=hint)


def _asked(dependant: Dependant, above: tuple[str, ...] = ()) -> Iterator[str]:
    here = (*above, *(dependant.own_oauth_scopes or ()))
    if dependant.call is current_user:
        yield from here
    yield from getattr(dependant.call, "scopes_asked_for", ())
    for below in dependant.dependencies:
        yield from _asked(below, here)
