"""A deadline for everything that is waited for, with one timer for all: a timer each costs 4 µs."""

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar

T = TypeVar("T")
Task = asyncio.Task[Any]
_PARTS = 8


class Deadlines:
    """Stops tasks that wait longer than `seconds` (up to an eighth more) between `begin` and `end`."""

    def __init__(self, seconds: float) -> None:
        self._part = seconds / _PARTS
        self._now = 0
        # In the order in which they began, so the oldest comes first.
        self._waiting: dict[Task, int] = {}
        self._late: dict[Task, int] = {}
        self._timer: asyncio.TimerHandle | None = None

    def begin(self) -> Task:
        """From now on the current task waits. It waits for one thing at a time."""
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("Only a task can be given a deadline.")
        self._waiting[task] = self._now
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._part, self._look)
        return task

    def end(self, task: Task) -> None:
        """It waits no longer."""
        self._waiting.pop(task, None)
        if self._late and self._late.pop(task, None) is not None:
            task.uncancel()

    def passed(self, task: Task) -> bool:
        """Whether the CancelledError that the task has just caught is this deadline's, and nobody else's too."""
        before = self._late.pop(task, None)
        return before is not None and task.uncancel() <= before

    async def wait(self, work: Awaitable[T]) -> T:
        """Wait for this until the deadline. Raises TimeoutError."""
        task = self.begin()
        try:
            return await work
        except asyncio.CancelledError:
            if self.passed(task):
                raise TimeoutError from None
            raise
        finally:
            self.end(task)

    def close(self) -> None:
        """Let go of the timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        self._now += 1
        for task, began in list(self._waiting.items()):
            # What began just after the last look has waited a part less than it seems.
            if self._now - began <= _PARTS:
                break
            del self._waiting[task]
            self._late[task] = task.cancelling()
            task.cancel()
        self._timer = asyncio.get_running_loop().call_later(self._part, self._look) if self._waiting else None
