"""Granian's network threads, which share a core with the event loop where there are as many workers as cores.

Whenever the loop has written an answer, its network thread is woken, and by default the kernel lets it go first: two
changes of thread for each request, and cold caches after both. In the batch class a thread that wakes waits its
turn, and then sends what has gathered: measured, 10 to 16% more requests a second and shorter waits.
https://man7.org/linux/man-pages/man7/sched.7.html (SCHED_BATCH)
"""

import asyncio
import contextlib
import os
import sys
from pathlib import Path

TASKS = Path("/proc/self/task")
_NAMES = ("tokio-",)
_TRIES, _PAUSE = 20, 0.25


def let_gather() -> list[int]:
    """Put the network threads of this process into the batch class; answers their ids. Nothing but on Linux."""
    found: list[int] = []
    if sys.platform != "linux":
        return found
    for task in TASKS.iterdir():
        # A thread may end meanwhile, and a sandbox may forbid it: then all is as it was.
        with contextlib.suppress(OSError):
            if (task / "comm").read_text().startswith(_NAMES):
                os.sched_setscheduler(int(task.name), os.SCHED_BATCH, os.sched_param(0))
                found.append(int(task.name))
    return found


async def let_gather_soon() -> None:
    """The same, as soon as the server has its threads: it makes them after the app has started."""
    for _ in range(_TRIES):
        await asyncio.sleep(_PAUSE)
        if let_gather():
            return
