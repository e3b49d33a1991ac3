"""Limits that operators set while the app runs, over those of the settings and the app."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from mainstay.assembly.live.live_settings import LiveSettings, LiveValue
from mainstay.base.actor import ADMIN
from mainstay.base.errors import ConfigurationError, Conflict, FieldError, Invalid
from mainstay.limits import Limiter, LimitsOptions, Rate, RouteLimit

NAME = "limits"
# Whoever has set a limit too tight must be able to set another.
ALWAYS_OPEN = ("/system/limits",)


class LiveLimits:
    """Hands the limiter what was set last; without any, what it started with."""

    def __init__(self, live: LiveSettings, limiter: Limiter, base: LimitsOptions) -> None:
        self._live, self._limiter, self._base = live, limiter, base
        # Read also where nothing is counted yet: a mistake shows at the start, and not when somebody switches them on.
        Limiter(base)
        self._at_start = limiter.options
        live.follow(NAME, self._take)

    @property
    def options(self) -> LimitsOptions | None:
        """What holds now; None where nothing is counted."""
        return self._limiter.options

    @property
    def tiers(self) -> Mapping[str, object]:
        """The tiers there are, also while nothing is counted."""
        return (self.options or self._base).tiers

    @property
    def known(self) -> LiveValue | None:
        """What was set last, since when and by whom; None where nothing was."""
        return self._live.get(NAME)

    def described(self) -> dict[str, Any]:
        """What holds in this process: `on`, and the rates of `tiers` (None: unlimited) and `routes`."""
        options = self.options
        if options is None:
            return {"on": False, "tiers": {}, "routes": {}}
        tiers = {name: None if rate is None else _text(rate) for name, rate in options.tiers.items()}
        return {"on": True, "tiers": tiers, "routes": {name: _text(limit) for name, limit in options.routes.items()}}

    async def set(
        self,
        on: bool,
        tiers: Mapping[str, str | None] | None = None,
        routes: Mapping[str, str] | None = None,
        *,
        by: UUID | None = None,
    ) -> dict[str, Any]:
        """Count by these rates over those of the settings, or do not count: here at once, in every other process within
        a second. Answers what holds then. Raises Conflict for a tier that the app has not, Invalid for a rate or route
        that is none, and for the administrators' tier: whoever sets limits shall not be the one they keep out.
        """
        for name in tiers or {}:
            self.require_tier(name, "tiers", name)
        if ADMIN in (tiers or {}):
            message = "The tier of administrators is set by the app and its settings alone."
            raise Invalid(message, errors=[FieldError(("body", "tiers", ADMIN), "limit", message)])
        value = {"on": on, "tiers": dict(tiers or {}), "routes": dict(routes or {})}
        try:
            Limiter(self._over(value))
        except ConfigurationError as error:
            message = f"{error.what} {error.fix}"
            raise Invalid(message, errors=[FieldError(("body",), "limit", message)]) from None
        await self._live.put(NAME, value, by)
        return self.described()

    async def add(
        self,
        tiers: Mapping[str, str | None] | None = None,
        routes: Mapping[str, str] | None = None,
        *,
        by: UUID | None = None,
    ) -> dict[str, Any]:
        """Count by these rates too, over those that were set before. As `set` otherwise."""
        known = self.known
        before = (known.value if known is not None else None) or {}
        return await self.set(
            True, {**before.get("tiers", {}), **(tiers or {})}, {**before.get("routes", {}), **(routes or {})}, by=by
        )

    def require_tier(self, tier: str, *place: str) -> None:
        """Raises Conflict, naming the tiers there are, where this is none of them; `place` is where it stood."""
        if tier not in self.tiers:
            message = f"There is no tier {tier!r}; there are {', '.join(self.tiers)}."
            # As for a row that is referred to and missing: what is acceptable depends on the app, not on the document.
            raise Conflict(message, code="unknown_tier", errors=[FieldError(("body", *place), "unknown_tier", message)])

    async def reset(self, *, by: UUID | None = None) -> dict[str, Any]:
        """Go by the settings again; answers what holds then."""
        await self._live.put(NAME, None, by)
        return self.described()

    def _over(self, value: dict[str, Any]) -> LimitsOptions | None:
        if not value["on"]:
            return None
        base = self._base
        return replace(
            base,
            tiers={**base.tiers, **value["tiers"]},
            routes={**base.routes, **value["routes"]},
            exempt=(*base.exempt, *ALWAYS_OPEN),
        )

    def _take(self, name: str, value: Any) -> None:
        self._limiter.replace(self._at_start if value is None else self._over(value))


def _text(given: str | Rate | RouteLimit) -> str:
    if isinstance(given, str):
        return given
    if isinstance(given, RouteLimit):
        return f"{_text(given.rate)} by {given.by}{' loose' if given.loose else ''}"
    burst = "" if given.burst is None else f" burst {given.burst}"
    return f"{given.limit}/{given.seconds}s{burst}"
