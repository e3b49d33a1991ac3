"""Waiting for what shall happen soon, on a machine that may have other things to do."""

import asyncio
import time
from collections.abc import Awaitable, Callable

PAUSE = 0.01


async def soon(holds: Callable[[], Awaitable[bool]], seconds: float = 1.0) -> float:
    """How long it took until it held. Fails after three times so many seconds of an idle machine.

    How busy this one is tell the pauses between two looks: where they last twice as long as was asked for, everything
    else does too. Three times, because the disk has other things to do as well, and no pause tells of it.
    """
    started, pauses, slept = time.monotonic(), 0, 0.0
    while not await holds():
        began = time.monotonic()
        await asyncio.sleep(PAUSE)
        pauses, slept = pauses + 1, slept + time.monotonic() - began
        slowness = slept / (pauses * PAUSE)
        took = time.monotonic() - started
        assert took < 3 * seconds * slowness, f"not within {seconds} s, on a machine {slowness:.1f} times as slow"
    return time.monotonic() - started
