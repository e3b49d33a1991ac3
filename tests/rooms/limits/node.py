"""One node of several: presses a shared budget, and prints when its requests were admitted.

python -m tests.rooms.limits.node <redis url> <rate> <seconds>

It says `ready`, reads the moment to begin (seconds of the machine's monotonic clock) from its input, and prints JSON.
"""

import asyncio
import json
import sys
import time

from mainstay.base.errors import TooManyRequests
from mainstay.limits import LimitsOptions, open_limiter
from tests.rooms.limits.callers import caller, enter

SENDERS = 8


async def press(url: str, rate: str, seconds: float) -> None:
    """Send until the time is over, faster than the rate."""
    limiter = open_limiter(LimitsOptions(tiers={"free": rate}, redis_timeout=5), url)
    await limiter.open()
    print("ready", flush=True)
    begin = float(sys.stdin.readline())
    times: list[float] = []
    asked = 0

    async def send() -> None:
        nonlocal asked
        await asyncio.sleep(max(0.0, begin - time.monotonic()))
        while time.monotonic() < begin + seconds:
            asked += 1
            try:
                await enter(limiter, caller())
                times.append(time.monotonic())
            except TooManyRequests:
                pass
            await asyncio.sleep(0.002)

    await asyncio.gather(*(send() for _ in range(SENDERS)))
    await limiter.close()
    print(json.dumps({"asked": asked, "times": times, "outages": limiter.figures()["outages"]}))


if __name__ == "__main__":
    asyncio.run(press(sys.argv[1], sys.argv[2], float(sys.argv[3])))
