"""The Redis engine: shared, exact, and never worth waiting for when it is away."""

import asyncio
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from redis.asyncio import Redis as Client

from mainstay.base.context import acting
from mainstay.base.errors import ConfigurationError, Unavailable
from mainstay.cache import Cache, CacheOptions, redis_store
from scripts import redis_server
from tests.rooms.cache.callers import caller


@asynccontextmanager
async def opened(url: str, *, timeout: float = 2.0, namespace: str = "test") -> AsyncIterator[Cache]:
    store = redis_store(url, namespace=namespace, timeout=timeout, pause=0.1)
    cache = Cache(CacheOptions(jitter=0), store)
    await cache.open()
    yield cache
    await cache.close()


async def kept(cache: Cache, value: Any = None, **options: Any) -> Any:
    """What is kept under one key for everyone, or what comes of computing it."""
    return await cache.get_or_set("key", lambda: value, ttl=60, shared="everyone", tags=["tag"], **options)


async def test_processes_share_what_is_kept(redis_url: str) -> None:
    async with opened(redis_url) as one, opened(redis_url) as two:
        assert await kept(one, 1) == 1
        assert await kept(two, 2) == 1
        assert two.counts.fills == 0
        await two.set("hand", [1.5, None], ttl=60, shared="everyone")
        assert await one.get("hand", shared="everyone") == [1.5, None]


async def test_voiding_and_deleting_reach_every_process_before_they_return(redis_url: str) -> None:
    async with opened(redis_url) as one, opened(redis_url) as two:
        deeds: list[Callable[[], Awaitable[None]]] = [
            lambda: one.void("tag", shared="everyone"),
            lambda: one.delete("key", shared="everyone"),
            one.clear,
        ]
        for deed in deeds:
            assert await kept(two, "before") == "before"
            await deed()
            assert await two.get("key", shared="everyone") is None
            assert await kept(two, "after") == "after"
            assert await kept(one, "later") == "after"
            await one.delete("key", shared="everyone")


async def test_an_entry_ends_with_its_ttl_and_leaves_nothing_that_stays(redis_url: str) -> None:
    async with opened(redis_url) as cache, Client.from_url(redis_url) as client:
        began = time.monotonic()
        await cache.set("key", 1, ttl=0.3, tags=["tag"], shared="everyone")
        found = await cache.get("key", shared="everyone")
        assert found == 1 or time.monotonic() - began >= 0.3
        await asyncio.sleep(0.32)
        assert await cache.get("key", shared="everyone") is None
        lives = [await client.pttl(key) for key in await client.keys()]
        assert lives
        assert all(0 < life < 120_000 for life in lives)


async def test_keys_and_tags_tell_nothing_and_values_are_no_pickles(redis_url: str) -> None:
    async with opened(redis_url) as cache, Client.from_url(redis_url) as client:
        with acting(caller()):
            await cache.set("ada@example.com", {"name": "Ada"}, ttl=60, tags=[("people", "ada@example.com")])
        found: Any = await client.keys()
        names = b" ".join(found)
        assert b"ada" not in names
        assert all(name.startswith(b"test:") for name in names.split())
        values: list[Any] = [await client.get(name) for name in await client.keys("test:e:*")]
        assert [value.split(b"\n")[1] for value in values] == [b'p{"name":"Ada"}']


async def test_applications_in_one_redis_are_apart(redis_url: str) -> None:
    async with opened(redis_url) as one, opened(redis_url, namespace="other") as two:
        await kept(one, 1)
        assert await kept(two, 2) == 2
        await two.clear()
        assert await kept(one, 3) == 1
    with pytest.raises(ConfigurationError, match="no namespace"):
        redis_store(redis_url, namespace="")
    with pytest.raises(ConfigurationError, match="Redis URL cannot be used"):
        redis_store("http://somewhere", namespace="test")


async def test_what_redis_forgets_makes_a_miss_and_never_a_stale_value(redis_url: str) -> None:
    async with opened(redis_url) as cache, Client.from_url(redis_url) as client:
        for pattern in ("test:t:*", "test:e:*", "test:*"):
            assert await kept(cache, "old") == "old"
            await client.delete(*await client.keys(pattern))
            assert await kept(cache, "new") == "new"
            await cache.clear()


@pytest.mark.parametrize(
    "found", [b"", b"1", b"1{}\n", b'1{"e":1,"c":1,"p":"x","t":[]}\np1', b"\x80\x04pickle", b"1[]\np1"]
)
async def test_what_others_wrote_there_is_a_miss(redis_url: str, found: bytes) -> None:
    async with opened(redis_url) as cache, Client.from_url(redis_url) as client:
        assert await kept(cache, 1) == 1
        (name,) = await client.keys("test:e:*")
        await client.set(name, found)
        assert await kept(cache, 2) == 2
        (name,) = await client.keys("test:e:*")
        value: Any = await client.get(name)
        # The header stands, the value does not.
        await client.set(name, value.split(b"\n")[0] + b"\nm{")
        assert await kept(cache, 3) == 3


async def test_a_full_redis_is_no_error(redis_url: str) -> None:
    async with opened(redis_url) as cache, Client.from_url(redis_url) as client:
        await client.config_set("maxmemory", "1")
        try:
            assert [await kept(cache, 1), await kept(cache, 2)] == [1, 2]
        finally:
            await client.config_set("maxmemory", "0")
        assert [await kept(cache, 3), await kept(cache, 4)] == [3, 3]


async def test_a_killed_redis_costs_next_to_nothing_and_is_found_again(own_redis: redis_server.Redis) -> None:
    async with opened(own_redis.url, timeout=0.2) as cache:
        assert await kept(cache, 1) == 1
        own_redis.stop()
        began = time.perf_counter()
        assert [await kept(cache, value) for value in range(200)] == list(range(200))
        assert time.perf_counter() - began < 10, "40 s, where each waits for its timeout"
        with pytest.raises(Unavailable):
            await cache.delete("key", shared="everyone")
        with pytest.raises(Unavailable):
            await cache.void("tag", shared="everyone")
        redis_server.restart(own_redis)
        await _found_again(cache)
        assert [await kept(cache, 3), await kept(cache, 4)] == [3, 3]


async def test_a_paused_redis_costs_its_timeout_once(own_redis: redis_server.Redis) -> None:
    async with opened(own_redis.url, timeout=0.1) as cache:
        assert await kept(cache, "kept") == "kept"
        own_redis.signal(signal.SIGSTOP)
        began = time.perf_counter()
        try:
            for value in range(300):
                assert await kept(cache, value) == value
                await asyncio.sleep(0.001)
            whole = time.perf_counter() - began
        finally:
            own_redis.signal(signal.SIGCONT)
        assert whole < 10, "30 s, where each waits for its timeout"
        await _found_again(cache)
        assert await kept(cache, "anew") == "kept"


async def test_what_is_voided_while_redis_is_away_is_not_believed_when_it_is_back(
    own_redis: redis_server.Redis,
) -> None:
    async with opened(own_redis.url, timeout=0.1) as cache, opened(own_redis.url, timeout=0.1) as other:
        assert await kept(cache, "old") == "old"
        own_redis.signal(signal.SIGSTOP)
        try:
            # First, so that what follows is not even sent.
            assert await kept(cache, "new") == "new"
            with pytest.raises(Unavailable):
                await cache.void("tag", shared="everyone")
            cache.changed("*", [("tag", "")])
            assert await kept(cache, "new") == "new"
        finally:
            own_redis.signal(signal.SIGCONT)
        # At no time does this process answer what it knows to be void; and in the end it has told the others.
        deadline = time.monotonic() + 10
        while await other.get("key", shared="everyone") == "old" or cache._known.outstanding.waiting():
            assert await cache.get("key", shared="everyone") != "old"
            assert time.monotonic() < deadline
            await asyncio.sleep(0.01)


async def test_a_value_that_came_late_is_not_kept(own_redis: redis_server.Redis) -> None:
    """Redis hangs while a value is computed and the value is voided; nothing old is there afterwards."""
    async with opened(own_redis.url, timeout=0.1) as cache:
        begun, go = asyncio.Event(), asyncio.Event()

        async def slow() -> str:
            begun.set()
            await go.wait()
            return "old"

        filling = asyncio.create_task(cache.get_or_set("key", slow, ttl=60, shared="everyone", tags=["tag"]))
        await begun.wait()
        own_redis.signal(signal.SIGSTOP)
        cache.changed("*", [("tag", "")])
        go.set()
        assert await filling == "old"
        own_redis.signal(signal.SIGCONT)
        await _found_again(cache)
        assert await kept(cache, "new") == "new"


async def test_def_functions_use_it_from_their_threads(redis_url: str) -> None:
    async with opened(redis_url) as cache, opened(redis_url) as other:

        def made(cache: Cache, value: int) -> Any:
            @cache.cached(ttl=60, shared="everyone", name="it", ignore=["value"])
            def compute(value: int) -> int:
                return value

            return compute

        assert await asyncio.to_thread(made(cache, 1), 1) == 1
        assert await asyncio.to_thread(made(other, 2), 2) == 1


def test_without_the_driver_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "redis", None)
    for name in [name for name in sys.modules if name.startswith(("redis.", "mainstay.cache.engines.redis"))]:
        if name != "mainstay.cache.engines.redis_store":
            monkeypatch.delitem(sys.modules, name)
    with pytest.raises(ConfigurationError, match=r"pip install 'mainstay\[redis\]'"):
        redis_store("redis://127.0.0.1", namespace="test")


async def _found_again(cache: Cache) -> None:
    """Wait until values are kept again, and nothing is left to tell."""
    deadline = time.monotonic() + 10
    while True:
        value = await cache.get_or_set("probe", time.monotonic, ttl=60, shared="everyone")
        told = not cache._known.outstanding.waiting()
        if told and value == await cache.get("probe", shared="everyone"):
            return
        assert time.monotonic() < deadline, "Redis is back and was not found"
        await asyncio.sleep(0.02)
