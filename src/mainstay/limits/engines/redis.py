"""Shared budgets in Redis: one hash a budget, changed by one script a question."""

import asyncio
import hashlib
import os
import time
from collections.abc import Sequence

import redis.asyncio as redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, RedisError

from mainstay.base.errors import ConfigurationError
from mainstay.limits.ports import Ask, Grant, StoreAway

PREFIX = "mainstay:limits:"
# Seconds for which Redis counts a lease as outstanding; its holder stops spending and returns the rest well before.
LIFE = 2.0
CONNECTIONS = 8

# `tat` is the budget's theoretical arrival time with everything leased counted as spent; the other fields are leases,
# `units:until` by process. A lease may be spent at any moment until it ends, hence the two `max` with units on top:
# they make any window's total what GCRA would admit, not only the total since the beginning.
SCRIPT = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local me, interval, tolerance = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local back, least, need, want = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local tat, held, mine, over, leases = now, 0, 0, {}, {}
local stored = redis.call('HGETALL', KEYS[1])
for i = 1, #stored, 2 do
  if stored[i] == 'tat' then tat = tonumber(stored[i + 1]) else
    local units, ends = string.match(stored[i + 1], '^(%d+):(%d+)$')
    leases[#leases + 1] = {stored[i], tonumber(units), tonumber(ends)}
  end
end
-- Further ahead than a budget can be: the clock was set back.
if tat > now + tolerance + 1000000 then tat = now end
for _, lease in ipairs(leases) do
  if lease[3] <= now then
    tat = math.max(tat, lease[3] + lease[2] * interval)
    over[#over + 1] = lease[1]
  else
    held = held + lease[2]
    if lease[1] == me then mine = lease[2] end
  end
end
if #over > 0 then redis.call('HDEL', KEYS[1], unpack(over)) end
tat = math.max(tat, now + held * interval)
tat = math.max(tat - math.min(back, mine) * interval, now)
local free = math.floor((tolerance - (tat - now)) / interval)
local granted = 0
if want > 0 and free >= least then
  -- Those who wait are served; what is taken ahead shrinks with what is left.
  granted = math.min(want, math.max(math.min(need, free), math.floor(free / 4)))
end
if granted > 0 then
  tat = tat + granted * interval
  redis.call('HSET', KEYS[1], me, string.format('%d:%.0f', granted, now + tonumber(ARGV[8])))
elseif mine > 0 then
  redis.call('HDEL', KEYS[1], me)
end
redis.call('HSET', KEYS[1], 'tat', string.format('%.2f', tat))
redis.call('PEXPIRE', KEYS[1], math.ceil((tat - now + tonumber(ARGV[8])) / 1000) + 1000)
return {granted, math.ceil(tat - now), math.ceil(tat + least * interval - tolerance - now)}
"""
DIGEST = hashlib.sha1(SCRIPT.encode(), usedforsecurity=False).hexdigest()


class RedisStore:
    """limits.ports.Store on a Redis 6.2 or newer, whose clock it goes by. Raises ConfigurationError for a bad URL."""

    def __init__(self, url: str, timeout: float, namespace: str = "") -> None:
        self._prefix = f"{PREFIX}{namespace}:"
        self._timeout = timeout
        self._me = os.urandom(6).hex()
        try:
            self._client = redis.Redis.from_url(
                url,
                socket_timeout=timeout,
                socket_connect_timeout=timeout,
                # Once, at once: a connection that the server has closed meanwhile is no outage.
                retry=Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,)),
                max_connections=CONNECTIONS,
            )
        except ValueError as error:
            raise ConfigurationError(
                f"MAINSTAY_REDIS_URL cannot be used: {error}.", fix="Write redis://:password@host:6379/0."
            ) from None
        self._turns = asyncio.Semaphore(CONNECTIONS)

    async def lease(self, asks: Sequence[Ask]) -> Sequence[Grant]:
        async with self._turns:
            started = time.monotonic()
            try:
                return await self._lease(asks)
            except StoreAway:
                # A busy loop that came back late proves nothing about Redis.
                if time.monotonic() - started < self._timeout * 1.5:
                    raise
            return await self._lease(asks)

    async def _lease(self, asks: Sequence[Ask]) -> Sequence[Grant]:
        try:
            async with asyncio.timeout(self._timeout):
                answers = await self._run(asks)
                if any(isinstance(answer, NoScriptError) for answer in answers):
                    await self._client.script_load(SCRIPT)
                    # Only those: a second answer to the others would take their leases from them.
                    fresh = iter(await self._run([asks[n] for n, each in enumerate(answers) if _unknown(each)]))
                    answers = [next(fresh) if _unknown(each) else each for each in answers]
        except (RedisError, OSError, TimeoutError) as error:
            raise StoreAway(str(error) or type(error).__name__) from error
        return [_grant(answer) for answer in answers]

    async def _run(self, asks: Sequence[Ask]) -> list[object]:
        pipeline = self._client.pipeline(transaction=False)
        for ask in asks:
            pipeline.evalsha(
                DIGEST, 1, self._prefix + ask.key, self._me, f"{ask.interval * 1e6:.6f}", f"{ask.tolerance * 1e6:.6f}",
                ask.back, ask.least, ask.need, ask.want, int(LIFE * 1e6),
            )  # fmt: skip
        return await pipeline.execute(raise_on_error=False)

    async def ping(self) -> None:
        try:
            async with asyncio.timeout(self._timeout):
                await self._client.ping()
        except (RedisError, OSError, TimeoutError) as error:
            raise StoreAway(str(error) or type(error).__name__) from error

    async def close(self) -> None:
        await self._client.aclose()


def _grant(answer: object) -> Grant:
    if not isinstance(answer, list):
        raise StoreAway(str(answer))
    granted, used, wait = answer
    return Grant(granted, used / 1e6, max(0.0, wait / 1e6))


def _unknown(answer: object) -> bool:
    return isinstance(answer, NoScriptError)
