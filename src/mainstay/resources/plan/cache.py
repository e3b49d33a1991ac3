"""Compiled plans, kept by shape: the query's, the policy's, the cursor's. Never by a value."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

P = TypeVar("P")
Key = tuple[object, ...]


class PlanCache(Generic[P]):
    """The most recently used plans, at most `size` of them."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._plans: OrderedDict[Key, P] = OrderedDict()

    def find(self, key: Key) -> P | None:
        """The plan under this key, if it is kept."""
        plan = self._plans.get(key)
        if plan is not None:
            self._plans.move_to_end(key)
        return plan

    def keep(self, key: Key, plan: P) -> P:
        """Keep this plan, and let go of the one that was not used for longest."""
        self._plans[key] = plan
        if len(self._plans) > self._size:
            self._plans.popitem(last=False)
        return plan

    def get(self, key: Key, make: Callable[[], P]) -> P:
        """The plan under this key, made now if there is none."""
        plan = self.find(key)
        return self.keep(key, make()) if plan is None else plan

    def __len__(self) -> int:
        return len(self._plans)
