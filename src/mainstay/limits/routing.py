"""Which limit a route has: by the template of a generated route, or by the path of any other."""

import re
from collections.abc import Mapping

from mainstay.base.errors import ConfigurationError
from mainstay.base.ports import HttpScope
from mainstay.limits.policy import Policy
from mainstay.limits.rate import By, RouteLimit

METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "QUERY"})


class RoutePolicy(Policy):
    """The limit of one route, under the name `POST /reports`."""

    __slots__ = ("by", "loose")

    def __init__(self, name: str, limit: RouteLimit) -> None:
        super().__init__(name, limit.rate)
        self.by: By = limit.by
        self.loose = limit.loose


ByMethod = dict[str, RoutePolicy]


class Routing:
    """Finds the limit of a request's route. Raises ConfigurationError for what names no route.

    Keys are a path, with or without a method before it; HEAD counts as GET. Names in braces match one segment, a `*`
    at the end matches anything. A literal path goes before a pattern, and patterns in the order they were given.
    """

    def __init__(self, limits: Mapping[str, RouteLimit]) -> None:
        self._exact: dict[str, ByMethod] = {}
        self._patterns: list[tuple[re.Pattern[str], ByMethod]] = []
        for key, limit in limits.items():
            method, path = _split(key)
            policy = RoutePolicy(key, limit)
            named = self._exact.setdefault(path, {})
            if not named and ("{" in path or path.endswith("*")):
                self._patterns.append((_pattern(path), named))
            named[method] = policy

    def __bool__(self) -> bool:
        return bool(self._exact)

    def find(self, scope: HttpScope, path: str) -> RoutePolicy | None:
        """The limit of the route that this request is for, or None."""
        method = scope["method"]
        if method == "HEAD":
            method = "GET"
        # A generated route's template, or the path itself.
        named = self._exact.get(scope.get("mainstay.route") or path)
        found = None if named is None else named.get(method) or named.get("*")
        if found is not None:
            return found
        for pattern, named in self._patterns:
            if pattern.fullmatch(path):
                found = named.get(method) or named.get("*")
                if found is not None:
                    return found
        return None


def _split(key: str) -> tuple[str, str]:
    first, _, rest = key.strip().partition(" ")
    method, path = (first.upper(), rest.strip()) if rest else ("*", first)
    if not path.startswith("/") or (method != "*" and method not in METHODS) or " " in path or not path.isprintable():
        raise ConfigurationError(f"{key!r} names no route.", fix="Write it like `POST /reports` or `/reports/*`.")
    return method, path


def _pattern(path: str) -> re.Pattern[str]:
    body = path.removesuffix("*")
    parts = re.split(r"(\{[^{}]*\})", body)
    written = "".join(
        (".*" if part.endswith(":path}") else "[^/]+") if part.startswith("{") else re.escape(part) for part in parts
    )
    return re.compile(written + (".*" if path.endswith("*") else ""), re.DOTALL)
