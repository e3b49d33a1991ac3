"""The template of the route that a request reached: what to call it where paths would be too many."""

from collections.abc import Mapping
from typing import Any


def route_of(scope: Mapping[str, Any]) -> str | None:
    """`/books/{id}`, or None where no route was reached. Below a mount it is the template within the mounted app."""
    known: str | None = scope.get("mainstay.route")
    if known is not None:
        return known
    route = scope.get("route")
    if route is None:
        return None
    # A router that was included with a prefix leaves its routes without it; FastAPI keeps the whole beside them.
    whole = scope.get("fastapi", {}).get("effective_route_context")
    if whole is not None and getattr(whole, "original_route", None) is route:
        route = getattr(whole, "starlette_route", None) or whole
    template = getattr(route, "path_format", None) or getattr(route, "path", None)
    return template if isinstance(template, str) and template else None
