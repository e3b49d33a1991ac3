"""What an app may choose about its cache; never read from the environment here."""

from collections.abc import Callable
from dataclasses import dataclass

from mainstay.cache.naming.whose import Owner, whose_by_caller


@dataclass(frozen=True, slots=True)
class CacheOptions:
    """Choices with their defaults; times are seconds.

    `whose` says who the work in progress is for, or None where that is nobody; by default the caller in context.
    `jitter` is the share of a TTL by which an entry may go earlier, so that what was filled together does not end
    together. `lease`: how long a process that fills an entry keeps others from it without a sign of life; `patience`:
    how long those others wait before they compute for themselves. `enabled=False` computes every time.
    """

    enabled: bool = True
    whose: Callable[[], Owner | None] = whose_by_caller
    jitter: float = 0.1
    lease: float = 10.0
    patience: float = 30.0
    most_tags: int = 100_000
