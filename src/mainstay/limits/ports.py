"""What limits need from a store that several processes share."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Ask:
    """One budget's question: `back` units returned, at least `least` wanted, `need` for those who wait, `want` at best.

    `interval` and `tolerance` are the budget's, in seconds.
    """

    key: str
    interval: float
    tolerance: float
    back: int
    least: int
    need: int
    want: int


@dataclass(frozen=True, slots=True)
class Grant:
    """Its answer: units granted, seconds until the budget is whole again, seconds until `least` units are there."""

    granted: int
    used: float
    wait: float


class StoreAway(Exception):
    """The store did not answer in time, or not at all."""


class Store(Protocol):
    """Hands out units of budgets, so that all who hold some never spend more than the budget's rate.

    A lease that is neither returned nor renewed within its life counts as spent. The store may forget budgets that
    are whole again, and no others. It reads its own clock.
    """

    async def lease(self, asks: Sequence[Ask]) -> Sequence[Grant]:
        """Answer each question, in order. Raises StoreAway within the engine's timeout."""
        ...

    async def ping(self) -> None:
        """Raises StoreAway within the engine's timeout unless it answers."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...
