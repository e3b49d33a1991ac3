"""Redis killed, hung and back: requests go on in bounded time, as the setting says, and it is logged once."""

import asyncio
import logging
import signal
import time
from typing import Literal

import pytest

from mainstay.base.errors import Unavailable
from mainstay.limits import Limiter, LimitsOptions, open_limiter
from scripts.redis_server import Redis, restart
from tests.rooms.limits.callers import admitted, answer, caller, enter


def options(without_redis: Literal["open", "closed"] = "open", rate: str = "100/hour") -> LimitsOptions:
    return LimitsOptions(tiers={"free": rate, "admin": None}, without_redis=without_redis)


async def opened(own_redis: Redis, chosen: LimitsOptions) -> Limiter:
    limiter = open_limiter(chosen, own_redis.url)
    await limiter.open()
    return limiter


async def back(limiter: Limiter) -> None:
    """Wait until the limiter has found Redis again."""
    deadline = time.monotonic() + 10
    while limiter.figures()["away"] and time.monotonic() < deadline:
        await asyncio.sleep(0.05)
    assert not limiter.figures()["away"]


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage().split(" (")[0] for record in caplog.records if record.name == "mainstay.limits"]


async def test_open_each_process_goes_on_with_what_the_shared_budget_had_left(
    own_redis: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    limiter = await opened(own_redis, options())
    other = await opened(own_redis, options())
    assert await admitted(limiter, 60, caller()) == 60
    own_redis.stop()
    assert await admitted(limiter, 60, caller()) == 40
    assert await admitted(limiter, 200, caller("bob")) == 100
    assert await admitted(other, 200, caller("bob")) == 100
    assert said(caplog) == ["Redis is away", "Redis is away"]
    figures = limiter.figures()
    assert (figures["outages"], figures["unshared"]) == (1, 140)
    await limiter.close()
    await other.close()


async def test_closed_nobody_is_admitted_but_the_unlimited(own_redis: Redis) -> None:
    limiter = await opened(own_redis, options("closed"))
    assert await admitted(limiter, 1, caller()) == 1
    own_redis.stop()
    for _ in range(3):
        with pytest.raises(Unavailable) as refusal:
            await enter(limiter, caller())
    assert refusal.value.headers == {"Retry-After": "1"}
    assert refusal.value.problem_code == "limits_unavailable"
    assert await admitted(limiter, 5, caller("root", "admin")) == 5
    assert await admitted(limiter, 5, path="/livez") == 5
    await limiter.close()


async def test_a_redis_that_comes_back_is_used_again(own_redis: Redis, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    limiter = await opened(own_redis, options())
    assert await admitted(limiter, 10, caller()) == 10
    own_redis.stop()
    assert await admitted(limiter, 10, caller()) == 10
    restart(own_redis)
    await back(limiter)
    other = await opened(own_redis, options())
    assert await admitted(limiter, 60, caller()) + await admitted(other, 60, caller()) == 100
    assert said(caplog) == ["Redis is away", "Redis answers again: budgets are shared."]
    await limiter.close()
    await other.close()


async def test_a_hung_redis_costs_those_in_flight_a_bounded_time_and_others_none(own_redis: Redis) -> None:
    limiter = await opened(own_redis, options())
    assert await admitted(limiter, 1, caller()) == 1
    started = time.monotonic()
    await asyncio.gather(*(admitted(limiter, 1, caller(f"before {n}")) for n in range(200)))
    usual = time.monotonic() - started  # tens of milliseconds, where the machine has nothing else to do
    # One timeout is a quarter of a second; each for itself, 200 take fifty and 2,000 ten times as long.
    own_redis.signal(signal.SIGSTOP)
    try:
        started = time.monotonic()
        waited = await asyncio.gather(*(admitted(limiter, 1, caller(f"user {n}")) for n in range(200)))
        assert sum(waited) == 200
        assert time.monotonic() - started < 5 + 10 * usual
        started = time.monotonic()
        assert await admitted(limiter, 2000, address="192.0.2.9") == 100
        assert time.monotonic() - started < 5 + 10 * usual
    finally:
        own_redis.signal(signal.SIGCONT)
    await back(limiter)
    assert (await answer(limiter, caller("new")))["x-ratelimit-remaining"] == "99"
    assert limiter.figures()["outages"] == 1
    await limiter.close()


async def test_an_app_starts_while_redis_is_away_and_shares_once_it_is_there(own_redis: Redis) -> None:
    own_redis.stop()
    limiter = await opened(own_redis, options())
    assert await admitted(limiter, 1, caller()) == 1
    assert limiter.figures()["away"]
    restart(own_redis)
    await back(limiter)
    other = await opened(own_redis, options())
    assert await admitted(limiter, 60, caller("bob")) + await admitted(other, 60, caller("bob")) == 100
    await limiter.close()
    await other.close()


async def test_a_wrong_password_is_an_outage_that_the_log_explains(
    own_redis: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    limiter = open_limiter(options(), own_redis.url.replace(own_redis.password, "wrong"))
    await limiter.open()
    assert await admitted(limiter, 1, caller()) == 1
    assert "invalid username-password" in caplog.text
    assert "wrong" not in caplog.text.replace("WRONGPASS", "")
    await limiter.close()


async def test_forgotten_budgets_begin_anew(own_redis: Redis) -> None:
    limiter = await opened(own_redis, options())
    await admitted(limiter, 200, caller())
    own_redis.stop()
    restart(own_redis)
    await back(limiter) if limiter.figures()["away"] else None
    await asyncio.sleep(0.6)  # no longer is a refusal believed without asking
    assert await admitted(limiter, 200, caller()) >= 99
    await limiter.close()
