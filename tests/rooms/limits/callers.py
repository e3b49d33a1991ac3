"""Callers and requests for the limits' tests."""

from typing import Any
from uuid import UUID, uuid5

from mainstay.base.actor import Actor
from mainstay.base.context import Caller
from mainstay.base.errors import TooManyRequests
from mainstay.base.ports import HttpScope
from mainstay.base.tenant import TenantScope
from mainstay.limits import Limiter

SPACE = UUID("6ba7b810-9dad-11d1-80b4-00c04fd430c8")


def caller(name: str = "ada", *roles: str, tenant: str = "acme", key: str | None = None) -> Caller:
    """A signed-in caller; the same names give the same ids."""
    key_id = None if key is None else uuid5(SPACE, key)
    actor = Actor(uuid5(SPACE, name), frozenset(roles or ("user",)), api_key_id=key_id)
    return Caller(actor, TenantScope(uuid5(SPACE, tenant)), "request")  # house: scope: a test's tenant


def request(path: str = "/api/v1/books", method: str = "GET", address: str = "192.0.2.1", **more: Any) -> HttpScope:
    """An ASGI scope. `more` are `mainstay.…` entries, and `forwarded`, the value of X-Forwarded-For."""
    headers = [(b"x-forwarded-for", more.pop("forwarded").encode())] if "forwarded" in more else []
    scope: HttpScope = {"type": "http", "method": method, "path": path, "headers": headers, "client": (address, 4711)}
    return {**scope, **{f"mainstay.{name}": value for name, value in more.items()}}


async def enter(limiter: Limiter, who: Caller | None = None, **how: Any) -> HttpScope:
    """One request, as the app's layers put it to the limiter. Raises what it is refused with."""
    scope = request(**how)
    if not limiter.admit_now(scope, who):
        await limiter.admit(scope, who)
    return scope


async def admitted(limiter: Limiter, count: int, who: Caller | None = None, **how: Any) -> int:
    """How many of so many requests, one after the other, are let through."""
    through = 0
    for _ in range(count):
        try:
            await enter(limiter, who, **how)
        except TooManyRequests:
            continue
        through += 1
    return through


async def answer(limiter: Limiter, who: Caller | None = None, **how: Any) -> dict[str, str]:
    """The headers that the limiter puts on the answer to one request, refused or not; `status` is 200 or 429."""
    scope, status, extra = request(**how), "200", {}
    try:
        if not limiter.admit_now(scope, who):
            await limiter.admit(scope, who)
    except TooManyRequests as refusal:
        status, extra = "429", {name.lower(): value for name, value in refusal.headers.items()}
    told: dict[str, str] = {"status": status, **extra}
    for name, value in scope.get("mainstay.headers", ()):
        key = name.decode()
        told[key] = f"{told[key]}, {value.decode()}" if key in told else value.decode()
    return told
