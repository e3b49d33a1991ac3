"""Options made ready for requests: policies, headers and the order of tiers, worked out once."""

import inspect
from typing import Any

from mainstay.base.client_address import ClientAddress
from mainstay.limits.options import EXEMPT, LimitsOptions, rate_of
from mainstay.limits.policy import Header, Policy
from mainstay.limits.rate import RouteLimit
from mainstay.limits.routing import Routing

UNLIMITED: tuple[Header, ...] = ((b"x-ratelimit-limit", b"unlimited"), (b"x-ratelimit-remaining", b"unlimited"))


class Plan:
    """What the options come to. Raises ConfigurationError for those that cannot be kept."""

    def __init__(self, options: LimitsOptions) -> None:
        self.options = options
        rates = options.rates()
        self.policies = {name: None if rate is None else Policy(name, rate) for name, rate in rates.items()}
        self.tenant_policies = {
            name: None if rate is None else Policy(f"tenant-{name}", rate) for name, rate in rates.items()
        }
        self.headers: dict[str, Header] = {name: (b"x-ratelimit-tier", name.encode()) for name in rates}
        # The largest first: who is in two tiers has the better one.
        self._largest_first = sorted(rates, key=lambda name: _size(rates[name]), reverse=True)
        self._tier_by_roles: dict[frozenset[str], str] = {}
        addresses = rate_of(options.addresses)
        self.addresses = None if addresses is None else Policy("address", addresses)
        self.routing = Routing(
            {key: RouteLimit.parse(each) if isinstance(each, str) else each for key, each in options.routes.items()}
        )
        self.has_routes = bool(self.routing)
        self.by_caller = options.subject_of is None
        exempt = {*EXEMPT, *options.exempt}
        self.exempt = frozenset(path for path in exempt if not path.endswith("*"))
        self.exempt_below = tuple(path[:-1] for path in exempt if path.endswith("*"))
        self.address_of = ClientAddress(options.trusted_proxies)
        functions = (options.tier_of, options.members_tier_of, options.tenant_tier_of)
        self.asks = any(each is not None for each in functions)
        self.waits = any(_is_async(each) for each in functions)

    def tier_by_roles(self, roles: frozenset[str]) -> str:
        """The largest tier that bears the name of one of these roles, else the default."""
        found = self._tier_by_roles.get(roles)
        if found is None:
            if len(self._tier_by_roles) > 1_000:
                self._tier_by_roles.clear()
            found = next((name for name in self._largest_first if name in roles), self.options.default_tier)
            self._tier_by_roles[roles] = found
        return found


def _size(rate: Any) -> float:
    return float("inf") if rate is None else float(rate.limit / rate.seconds)


def _is_async(function: Any) -> bool:
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(type(function).__call__)
