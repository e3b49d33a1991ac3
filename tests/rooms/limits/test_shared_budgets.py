"""Budgets that several limiters share through a real Redis: never more than the rate, and nearly all of it."""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import redis

from mainstay.base.errors import ConfigurationError, TooManyRequests
from mainstay.limits import Limiter, LimitsOptions, Rate, open_limiter
from mainstay.limits.engines.redis import RedisStore
from mainstay.limits.ports import Ask
from mainstay.testing import FakeClock
from tests.rooms.limits.callers import admitted, answer, caller, request


@asynccontextmanager
async def nodes(url: str, count: int, options: LimitsOptions) -> AsyncIterator[list[Limiter]]:
    """So many limiters that share a Redis, each as a process would have it."""
    limiters = [open_limiter(options, url) for _ in range(count)]
    for limiter in limiters:
        await limiter.open()
    try:
        yield limiters
    finally:
        for limiter in limiters:
            await limiter.close()


def free(rate: str) -> LimitsOptions:
    # A busy machine may keep the loop waiting; these tests are not about outages.
    return LimitsOptions(tiers={"free": rate, "admin": None}, redis_timeout=5)


async def test_nodes_that_take_turns_use_the_whole_limit_and_no_more(redis_url: str) -> None:
    async with nodes(redis_url, 3, free("300/hour")) as limiters:
        through = 0
        for _ in range(150):
            for limiter in limiters:
                through += await admitted(limiter, 1, caller())
        assert through == 300


async def test_what_one_node_leaves_the_others_can_use(redis_url: str) -> None:
    async with nodes(redis_url, 3, free("2000/hour")) as (first, second, third):
        started = time.monotonic()
        assert await admitted(first, 900, caller()) == 900
        assert await admitted(second, 900, caller()) == 900
        left = 0
        async with asyncio.timeout(30):
            while left < 199:  # what the first two leased and did not spend is returned
                await asyncio.sleep(0.1)
                left += await admitted(third, 900, caller())
        # Meanwhile 2,000 an hour come back.
        assert 199 <= left <= 201 + (time.monotonic() - started) * 2000 / 3600


async def test_many_at_once_on_every_node_share_one_budget(redis_url: str) -> None:
    async with nodes(redis_url, 3, free("500/hour")) as limiters:
        batches = [admitted(limiter, 10, caller()) for limiter in limiters for _ in range(40)]
        assert sum(await asyncio.gather(*batches)) == 500


async def test_overload_gets_nearly_all_of_the_rate(redis_url: str) -> None:
    rate = Rate.parse("200/second burst 100")
    async with nodes(redis_url, 3, LimitsOptions(tiers={"free": rate}, redis_timeout=5)) as limiters:
        pauses: list[float] = []
        times = [at for _, at in await pressed(limiters, 2.5, pauses=pauses)]
    assert len(times) <= rate.most + (times[-1] - times[0]) / rate.interval + 1
    used = (count / (rate.most + (at - times[0]) / rate.interval) for count, at in enumerate(times, 1))
    # Of 1 ms each. Where they last for much longer, the machine is too busy for nine senders to press it.
    slowness = sum(pauses) / len(pauses) / 0.001
    assert max(list(used)[len(times) // 2 :]) >= 0.99 / max(1, slowness / 4)


async def test_no_stretch_of_time_admits_more_than_the_rate_also_where_leases_were_held_meanwhile(
    redis_url: str,
) -> None:
    rate = Rate.parse("200/second burst 100")
    async with nodes(redis_url, 3, LimitsOptions(tiers={"free": rate}, redis_timeout=5)) as limiters:
        times = await pressed(limiters, 2.5, lulls=True)
    # Each was counted at some moment between when it asked and when it was told, which may be long on a busy machine.
    for start, _ in times:
        told = [end for begun, end in times if begun >= start]
        for count, end in enumerate(told, 1):
            assert count <= rate.most + (end - start) / rate.interval + 1, f"{count} in {end - start:.3f} s"


async def test_a_unit_that_is_held_is_not_given_a_second_time_when_it_has_come_back(redis_url: str) -> None:
    # 100 at once, 1,000 a second: whole again after a tenth of a second, while the first still holds sixty.
    first, second = RedisStore(redis_url, 5), RedisStore(redis_url, 5)

    def ask(back: int, want: int) -> list[Ask]:
        return [Ask("held", 0.001, 0.1, back, 1, want, want)]

    assert (await first.lease(ask(0, 60)))[0].granted == 60
    await asyncio.sleep(0.2)
    assert (await second.lease(ask(0, 100)))[0].granted == 40
    assert (await second.lease(ask(40, 0)))[0].granted == 0
    await first.lease(ask(60, 0))
    await asyncio.sleep(0.1)
    assert (await second.lease(ask(0, 200)))[0].granted == 100
    await first.close()
    await second.close()


async def pressed(
    limiters: list[Limiter], seconds: float, *, lulls: bool = False, pauses: list[float] | None = None
) -> list[tuple[float, float]]:
    """When requests that were admitted asked and were told, while several senders pressed each limiter, in the order
    of being told; with lulls, leases idle and fill up.

    `pauses` gets how long those between two requests lasted.
    """
    times: list[tuple[float, float]] = []
    started = time.monotonic()

    async def press(limiter: Limiter) -> None:
        while (passed := time.monotonic() - started) < seconds:
            asked = time.monotonic()
            if await admitted(limiter, 1, caller()):
                times.append((asked, time.monotonic()))
            began = time.monotonic()
            await asyncio.sleep(0.2 * random.random() if lulls and passed % 1.0 < 0.7 else 0.001)
            if pauses is not None:
                pauses.append(time.monotonic() - began)

    await asyncio.gather(*(press(limiter) for limiter in limiters for _ in range(3)))
    return sorted(times, key=lambda each: each[1])


async def test_answers_tell_of_the_shared_budget(redis_url: str) -> None:
    async with nodes(redis_url, 2, free("100/hour")) as (first, second):
        started = time.monotonic()
        assert await admitted(first, 60, caller()) == 60
        told = await answer(second, caller())
        assert (told["x-ratelimit-limit"], told["x-ratelimit-remaining"]) == ("100", "39")
        assert await admitted(second, 60, caller()) == 39
        told = await answer(first, caller())
        assert (told["status"], told["x-ratelimit-remaining"]) == ("429", "0")
        assert 35 - (time.monotonic() - started) <= int(told["retry-after"]) <= 36
        state = await second.state(request(), caller())
        assert state.remaining == 0


async def test_tenants_users_and_rates_are_apart_in_redis_too(redis_url: str) -> None:
    async with nodes(redis_url, 2, free("3/hour")) as (first, second):
        for who in (caller("ada"), caller("bob"), caller("ada", tenant="globex"), None):
            assert await admitted(first, 5, who) + await admitted(second, 5, who) == 3
        second.replace(free("5/hour"))
        assert await admitted(second, 9, caller("ada")) == 5
    with redis.Redis.from_url(redis_url) as client:
        keys = sorted(key.decode() for key in client.scan_iter())
        assert len(keys) == 5
        tenant = caller().scope
        assert tenant is not None
        assert sum(tenant.key in key for key in keys) == 3
        assert all(0 < client.pttl(key) <= 3600_000 * 2 for key in keys)


async def test_a_rest_is_returned_at_the_end(redis_url: str) -> None:
    async with nodes(redis_url, 1, free("10000/hour")) as (first,):
        assert await admitted(first, 100, caller()) == 100
    async with nodes(redis_url, 1, free("10000/hour")) as (second,):
        assert (await answer(second, caller()))["x-ratelimit-remaining"] == "9899"


async def test_a_limiter_of_its_own_loses_nothing_to_a_process_that_died(redis_url: str) -> None:
    dead = open_limiter(free("1000/hour"), redis_url)
    assert await admitted(dead, 100, caller()) == 100
    dead._leases._keeper.cancel()  # type: ignore[union-attr]  # as a kill does: without returning anything
    await dead._leases._store.close()  # type: ignore[union-attr]  # likewise
    async with nodes(redis_url, 1, free("1000/hour")) as (alive,):
        through = await admitted(alive, 1000, caller())
        assert 890 <= through <= 900


async def test_more_than_one_limit_is_asked_for_in_one_round_trip(redis_url: str) -> None:
    options = LimitsOptions(tiers={"free": "100/hour"}, addresses="1000/hour", routes={"/x": "5/hour"}, redis_timeout=5)
    async with nodes(redis_url, 2, options) as (first, second):
        assert await admitted(first, 9, caller(), path="/x") == 5
        assert await admitted(second, 9, caller(), path="/x") == 0
        await asyncio.sleep(0.8)  # what was leased for refused requests is returned: they have spent from no budget
        assert (await answer(second, caller()))["x-ratelimit-remaining"] == "94"


async def test_units_of_a_costly_query_are_taken_together_or_not_at_all(redis_url: str) -> None:
    async with nodes(redis_url, 2, free("100/hour")) as (first, second):
        await first.charge(request(), caller(), cost=70)
        with pytest.raises(TooManyRequests):
            await second.charge(request(), caller(), cost=40)
        await second.charge(request(), caller(), cost=30)
        assert await admitted(first, 5, caller()) == 0


async def test_a_clock_that_is_set_back_refuses_nobody(redis_url: str) -> None:
    async with nodes(redis_url, 1, free("100/hour")) as (limiter,):
        assert await admitted(limiter, 1, caller()) == 1
        with redis.Redis.from_url(redis_url) as client:
            (key,) = client.keys()
            client.hset(key, "tat", str(time.time() * 1e6 + 7200e6))
        await asyncio.sleep(0.6)
        assert await admitted(limiter, 1, caller()) == 1


async def test_scripts_that_redis_forgot_are_sent_again(redis_url: str) -> None:
    async with nodes(redis_url, 1, free("100/hour")) as (limiter,):
        assert await admitted(limiter, 1, caller()) == 1
        with redis.Redis.from_url(redis_url) as client:
            client.script_flush()
        assert await admitted(limiter, 200, caller()) == 99
        assert limiter.figures()["outages"] == 0


async def test_refusals_do_not_go_to_redis(redis_url: str) -> None:
    async with nodes(redis_url, 1, free("10/hour")) as (limiter,):
        await admitted(limiter, 20, caller())
        with redis.Redis.from_url(redis_url) as client:
            before = client.info("commandstats")["cmdstat_evalsha"]["calls"]
            await admitted(limiter, 2000, caller())
            after = client.info("commandstats")["cmdstat_evalsha"]["calls"]
    assert after - before <= 5


def test_a_url_that_is_none_is_refused_at_the_start() -> None:
    for url in ("localhost:6379", "http://localhost"):
        with pytest.raises(ConfigurationError, match="MAINSTAY_REDIS_URL"):
            open_limiter(LimitsOptions(), url, FakeClock())
