"""Maintenance: everybody but administrators is asked to come back later."""

import re
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from starlette._utils import get_route_path

from mainstay.assembly.live.live_settings import LiveSettings, LiveValue
from mainstay.assembly.live.operators import passes_maintenance
from mainstay.base.context import Caller
from mainstay.base.errors import Unavailable
from mainstay.base.ports import HttpScope

NAME = "maintenance"
MESSAGE = "This is being worked on; please come back later."
RETRY_AFTER = 120
# Those who watch must see, and those who may pass must be able to say who they are, in as many steps as it takes.
OPEN = frozenset(
    {
        *("/livez", "/readyz", "/health", "/metrics", "/.well-known/jwks.json", "/first-admin"),
        *("/auth/sign-in", "/auth/token", "/auth/refresh", "/auth/sign-out", "/auth/me", "/auth/scopes"),
        *("/auth/federation", "/auth/federation/exchange", "/auth/magic-link"),
    }
)
_BELOW = re.compile(r"/health/.+|/auth/sign-in/.+|/auth/federation/[^/]+/(start|callback)")
_PAGES = ("sign-in", "sign-in/letter", "sign-in/code", "magic-link", "second-factor", "sign-out")


@dataclass(frozen=True, slots=True)
class Downtime:
    """What those who are turned away are told: a sentence, and after how many seconds to ask again."""

    message: str
    retry_after: int


class Maintenance:
    """base.ports.Gate: closed while maintenance is on. `pages` is the path of the pages to sign in with, if any."""

    def __init__(self, live: LiveSettings, pages: str | None = None) -> None:
        self._live = live
        self._open = OPEN if pages is None else OPEN | {f"{pages}/{page}" for page in _PAGES}
        self.downtime: Downtime | None = None
        live.follow(NAME, self._take)

    async def begin(
        self, message: str | None = None, retry_after: int | None = None, *, by: UUID | None = None
    ) -> None:
        """Turn callers away: here at once, in every other process within a second."""
        downtime = {"message": message or MESSAGE, "retry_after": retry_after or RETRY_AFTER}
        await self._live.put(NAME, downtime, by)

    async def end(self, *, by: UUID | None = None) -> None:
        """Let callers in again."""
        await self._live.put(NAME, None, by)

    @property
    def known(self) -> LiveValue | None:
        """Since when, and by whom; None while it is off."""
        return self._live.get(NAME)

    def admit_now(self, scope: HttpScope, caller: Caller | None) -> bool:
        downtime = self.downtime
        if downtime is None or passes_maintenance(caller) or self._is_open(scope):
            return True
        raise Unavailable(downtime.message, retry_after=downtime.retry_after, code="maintenance")

    async def admit(self, scope: HttpScope, caller: Caller | None) -> None:
        return None

    def _is_open(self, scope: HttpScope) -> bool:
        path = get_route_path(scope)
        return path in self._open or _BELOW.fullmatch(path) is not None

    def _take(self, name: str, value: Any) -> None:
        self.downtime = None if value is None else Downtime(value["message"], value["retry_after"])
