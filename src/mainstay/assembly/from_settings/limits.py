"""Limits as the app says, the operator adds, and each resource declares."""

from collections.abc import Mapping
from dataclasses import replace

from mainstay.assembly.live.stored_tiers import StoredTiers
from mainstay.assembly.own_routes import not_counted
from mainstay.assembly.settings import Settings
from mainstay.base.clock import Clock
from mainstay.base.errors import ConfigurationError
from mainstay.base.secret import MasterKey
from mainstay.limits import Limiter, LimitsOptions, RouteLimit, open_limiter
from mainstay.resources import Registry

# Where each operation of a resource is: the method, and what follows the resource's path.
PLACES: Mapping[str, tuple[str, str]] = {
    "list": ("GET", ""),
    "create": ("POST", ""),
    "get": ("GET", "/{id}"),
    "replace": ("PUT", "/{id}"),
    "update": ("PATCH", "/{id}"),
    "delete": ("DELETE", "/{id}"),
}

# A whole office signs in from one address: each of its sessions renews its token every few minutes, and has no other
# proof of who it is meanwhile.
ROUTES: Mapping[str, str] = {"POST /auth/refresh": "5000/hour by address loose"}


def limits_of(
    settings: Settings,
    options: LimitsOptions | None,
    registry: Registry,
    prefix: str,
    tiers: StoredTiers | None = None,
) -> LimitsOptions | None:
    """What holds at the start; None where limits are off.

    They are on where MAINSTAY_LIMITS says so, or where the app gives options and it says nothing. The operator's tiers
    and proxies go over the app's, the app's route limits over a resource's own. Raises ConfigurationError.
    """
    declared = declared_limits(registry, prefix)
    if options is not None and not isinstance(options, LimitsOptions):
        raise ConfigurationError(
            f"limits= is a {type(options).__name__}.", fix='Write limits=LimitsOptions(tiers={"free": "100/hour"}).'
        )
    if settings.limits is None and options is None and declared:
        raise not_counted(f"{next(iter(declared))} is held to a limit in its __api__")
    if settings.limits is False or (settings.limits is None and options is None):
        return None
    given = options or LimitsOptions()
    given = given if tiers is None else tiers.over(given)
    return replace(
        given,
        tiers={**given.tiers, **settings.limits_tiers},
        routes={**ROUTES, **declared, **given.routes},
        trusted_proxies=(*given.trusted_proxies, *settings.trusted_proxies),
        without_redis=settings.limits_without_redis or given.without_redis,
    )


def limiter_of(
    settings: Settings,
    options: LimitsOptions | None,
    registry: Registry,
    *,
    prefix: str,
    clock: Clock,
    key: MasterKey,
    tiers: StoredTiers,
) -> Limiter:
    """The app's limiter, not yet open. Apps of different keys share no budgets in one Redis."""
    named = key.derive("limits")[:6].hex()
    chosen = limits_of(settings, options, registry, prefix, tiers)
    limiter = open_limiter(chosen, settings.redis(), clock, namespace=named)
    tiers.tell(limiter.ask_again)
    return limiter


def declared_limits(registry: Registry, prefix: str) -> dict[str, str | RouteLimit]:
    """The limits in each resource's `__api__`, by method and template. Raises ConfigurationError."""
    found: dict[str, str | RouteLimit] = {}
    for entry in registry:
        for operation, text in entry.spec.options.limits.items():
            place = PLACES.get(operation)
            if place is None:
                raise ConfigurationError(
                    f"{entry.spec.model.__name__}.__api__ limits {operation!r}, which is no operation of its own.",
                    fix=f"Use {', '.join(PLACES)}; other routes go into LimitsOptions(routes={{...}}).",
                )
            try:
                found[f"{place[0]} {prefix}/{entry.name}{place[1]}"] = RouteLimit.parse(text)
            except ConfigurationError as error:
                raise ConfigurationError(
                    f"{entry.spec.model.__name__}.__api__ limits {operation}: {error.what}", fix=error.fix
                ) from None
    return found
