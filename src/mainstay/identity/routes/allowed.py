"""405 for what a path does not answer, naming everything that it does."""

from fastapi import APIRouter
from fastapi.routing import APIRoute

from mainstay.base.errors import MethodNotAllowed

METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"))


def name_all_methods(router: APIRouter) -> None:
    """For each path that several routes share: by itself FastAPI names the methods of the first one alone (RFC 9110
    §15.5.6 wants them all). Called when the routes are there.
    """
    found: dict[str, set[str]] = {}
    shared = set()
    for route in router.routes:
        if isinstance(route, APIRoute):
            if route.path in found:
                shared.add(route.path)
            found.setdefault(route.path, set()).update(route.methods or ())
    for path in sorted(shared):
        _refuse_others(router, path.removeprefix(router.prefix), found[path])


def _refuse_others(router: APIRouter, path: str, methods: set[str]) -> None:
    named = ", ".join(sorted(methods))

    async def refuse() -> None:
        raise MethodNotAllowed(f"Allowed here: {named}.", headers={"Allow": named})

    router.add_api_route(path, refuse, methods=sorted(METHODS - methods), include_in_schema=False)
