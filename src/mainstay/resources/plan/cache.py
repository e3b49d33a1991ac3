"""Compiled plans, kept by shape: the query's, the policy's, the cursor's. Never by a value."""

import contextlib
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

P = TypeVar("P")
Key = tuple[object, ...]
# Made once: this is the way of every request.
_ALREADY_GONE = contextlib.suppress(KeyError)


class PlanCache(Generic[P]):
    """The most recently used plans, at most `size` of them.

    Those that were used again have three quarters to themselves: whoever sends shapes nobody asks for twice pushes
    out only such shapes.
    """

    def __init__(self, size: int) -> None:
        self._most_used = max(1, size * 3 // 4)
        self._most_new = max(1, size - self._most_used)
        self._used: OrderedDict[Key, P] = OrderedDict()
        self._new: OrderedDict[Key, P] = OrderedDict()

    def find(self, key: Key) -> P | None:
        """The plan under this key, if it is kept."""
        plan = self._used.get(key)
        if plan is not None:
            # The writer's thread asks as well, and may have let go of it just now.
            with _ALREADY_GONE:
                self._used.move_to_end(key)
            return plan
        plan = self._new.pop(key, None)
        if plan is not None:
            self._used[key] = plan
            if len(self._used) > self._most_used:
                self.keep(*self._used.popitem(last=False))
        return plan

    def keep(self, key: Key, plan: P) -> P:
        """Keep this plan, and let go of the new one that was not used for longest."""
        self._new[key] = plan
        if len(self._new) > self._most_new:
            self._new.popitem(last=False)
        return plan

    def get(self, key: Key, make: Callable[[], P]) -> P:
        """The plan under this key, made now if there is none."""
        plan = self.find(key)
        return self.keep(key, make()) if plan is None else plan

    def __len__(self) -> int:
        return len(self._used) + len(self._new)
