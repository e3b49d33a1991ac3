"""Redis that is killed, hung or emptied under load: nobody is refused for it, and nobody waits long."""

import asyncio
import signal
import time
from pathlib import Path

from scripts.redis_server import Redis, restart
from tests.faults.conftest import Figures
from tests.faults.server import served, until
from tests.faults.wire import LIST
from tests.faults.writing import Traffic, request, traffic

CACHED = b"GET /cached/1 HTTP/1.1\r\nHost: x\r\n\r\n"
# Calls to Redis are given up after a quarter of a second; the rest is for a machine that runs other tests.
BOUND = 3.0


async def test_redis_killed_hung_and_emptied_costs_nobody_an_answer(
    tmp_path: Path, own_redis: Redis, full: bool, figure: Figures
) -> None:
    settings = {
        "MAINSTAY_REDIS_URL": own_redis.url,
        "MAINSTAY_LIMITS": "true",
        "MAINSTAY_LIMITS_TIERS": '{"free": "1000000/hour", "admin": null}',
    }
    seconds = 10 if full else 2
    with served(tmp_path, 2, 0, (), **settings) as server:
        until(lambda: len(server.workers()) == 2, server.said)
        workers = server.workers()
        async with traffic(lambda: server.port, writers=4, readers=6, period=0.1) as seen:
            await during(seen, server.port, 1)
            before = seen.slowest
            own_redis.signal(signal.SIGSTOP)
            hung = await during(seen, server.port, seconds)
            own_redis.signal(signal.SIGCONT)
            await during(seen, server.port, 1)
            own_redis.stop()
            killed = await during(seen, server.port, seconds)
            again = await asyncio.to_thread(restart, own_redis)
            back = await during(seen, server.port, seconds)
        try:
            assert set(seen.statuses()) <= {200, 201}, seen.statuses()
            assert not seen.broken
            assert max(hung, killed, back) < BOUND
            assert server.workers() == workers
            assert server.clean(), server.said()
            # Limits are counted, and counted together again: the headers say so.
            assert (await request(server.port, LIST))[0] == 200
            assert server.stop() == 0
        finally:
            again.stop()
    figure(
        f"slowest answer {before:.2f} s before, {hung:.2f} s while hung, {killed:.2f} s while dead, {back:.2f} s after"
    )
    figure(f"{len(seen.answers)} answers, none refused")


async def during(seen: Traffic, port: int, seconds: float) -> float:
    """The slowest answer of the next seconds, also of a route that asks the cache."""
    seen.slowest = 0.0
    ending = time.monotonic() + seconds
    while time.monotonic() < ending:
        began = time.monotonic()
        status, body = await request(port, CACHED)
        assert (status, body) == (200, b"2")
        seen.slowest = max(seen.slowest, time.monotonic() - began)
        await asyncio.sleep(0.1)
    return seen.slowest
