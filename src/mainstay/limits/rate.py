"""How much may be asked for: rates and route limits, as values and as people write them."""

import re
from dataclasses import dataclass
from typing import Literal

from mainstay.base.errors import ConfigurationError

By = Literal["caller", "tenant", "address", "everyone"]
_UNITS = {"second": 1, "s": 1, "minute": 60, "m": 60, "hour": 3600, "h": 3600, "day": 86_400, "d": 86_400}
_SYNTAX = re.compile(
    r"(?P<limit>\d[\d,_]*) ?(?:/|per ) ?(?P<count>\d+ ?)?(?P<unit>second|minute|hour|day|[smhd])s?"
    r"(?: burst (?P<burst>\d[\d,_]*))?(?: by (?P<by>caller|tenant|address|everyone))?(?P<loose> loose)?",
    re.IGNORECASE | re.ASCII,
)
LONGEST = 31 * 86_400
MOST = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Rate:
    """So many requests in so many seconds, refilled evenly; at most `burst` at once (None: the whole limit).

    Over any stretch of t seconds it admits at most `burst + t * limit / seconds` requests.
    """

    limit: int
    seconds: int
    burst: int | None = None

    def __post_init__(self) -> None:
        if not (1 <= self.limit <= MOST and 1 <= self.seconds <= LONGEST and 1 <= self.most <= MOST):
            raise ConfigurationError(
                f"A rate of {self.limit} in {self.seconds} seconds, {self.most} at once, cannot be kept.",
                fix=f"Choose 1 to {MOST:,} requests in 1 second to 31 days.",
            )

    @property
    def most(self) -> int:
        """How many may come at once."""
        return self.limit if self.burst is None else self.burst

    @property
    def interval(self) -> float:
        """Seconds in which one request's worth comes back."""
        return self.seconds / self.limit

    @classmethod
    def parse(cls, text: str) -> "Rate":
        """`100/hour`, `10 per minute`, `20/30s`, `600/minute burst 50`. Raises ConfigurationError."""
        found = RouteLimit.parse(text)
        if found.loose or found.by != "caller":
            raise ConfigurationError(f"{text!r} is not a rate.", fix="Write it like 100/hour or 600/minute burst 50.")
        return found.rate


@dataclass(frozen=True, slots=True)
class RouteLimit:
    """A rate for one route, counted for each caller, tenant or address, or for everyone together.

    Strict ones stand beside the caller's tier; a loose one stands in its place.
    """

    rate: Rate
    by: By = "caller"
    loose: bool = False

    @classmethod
    def parse(cls, text: str) -> "RouteLimit":
        """A rate, and what it is counted by: `5/minute by address`, `5000/hour loose`. Raises ConfigurationError."""
        found = _SYNTAX.fullmatch(" ".join(text.split()))
        if found is None:
            raise ConfigurationError(
                f"{text!r} is not a limit.",
                fix="Write it like 100/hour, 600/minute burst 50, 5/minute by address, or 5000/hour loose.",
            )
        unit = _UNITS[found["unit"].lower()]
        burst = None if found["burst"] is None else _number(found["burst"])
        rate = Rate(_number(found["limit"]), int(found["count"] or 1) * unit, burst)
        by: By = (found["by"] or "caller").lower()  # type: ignore[assignment]  # the syntax allows these four
        return cls(rate, by, found["loose"] is not None)


def _number(text: str) -> int:
    return int(text.replace(",", "").replace("_", ""))
