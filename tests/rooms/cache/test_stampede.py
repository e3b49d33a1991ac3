"""Many who want the same value at the same time: one computes it, and nobody gets what was voided meanwhile."""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mainstay.base.context import acting
from mainstay.cache import Cache, CacheOptions, redis_store
from tests.rooms.cache.callers import ADA, BOB, caller


@pytest.fixture(params=["memory", "redis"])
async def cache(request: pytest.FixtureRequest) -> AsyncIterator[Cache]:
    store = None
    if request.param == "redis":
        store = redis_store(request.getfixturevalue("redis_url"), namespace="test", timeout=2.0)
    cache = Cache(CacheOptions(jitter=0, patience=5.0), store)
    await cache.open()
    yield cache
    await cache.close()


class Slow:
    """A computation that goes on until it is let go."""

    def __init__(self) -> None:
        self.begun = 0
        self.go = asyncio.Event()
        self.value = "first"

    async def __call__(self) -> str:
        self.begun += 1
        value = self.value
        await self.go.wait()
        return value

    async def under_way(self, times: int = 1) -> None:
        async with asyncio.timeout(10):
            while self.begun < times:
                await asyncio.sleep(0.001)


async def test_fifty_at_once_compute_once(cache: Cache) -> None:
    slow = Slow()
    asked = [asyncio.create_task(_ask(cache, slow)) for _ in range(50)]
    await slow.under_way()
    await asyncio.sleep(0.05)
    slow.go.set()
    assert await asyncio.gather(*asked) == ["first"] * 50
    # One may have found it kept by the time that its own look at Redis was over.
    assert (slow.begun, cache.counts.fills, cache.counts.joined + cache.counts.hits) == (1, 1, 49)


async def test_each_caller_computes_for_themselves(cache: Cache) -> None:
    slow = Slow()
    slow.go.set()

    async def ask(user: int) -> None:
        with acting(caller(ADA if user % 2 else BOB)):
            await cache.get_or_set("key", slow, ttl=60)

    await asyncio.gather(*(ask(user) for user in range(20)))
    assert slow.begun == 2


async def test_an_error_reaches_all_who_wait_and_is_not_kept(cache: Cache) -> None:
    slow = Slow()

    async def fails() -> str:
        await slow()
        raise LookupError("broken")

    async def ask() -> str:
        try:
            return str(await cache.get_or_set("key", fails, ttl=60, shared="everyone"))
        except LookupError as error:
            return str(error)

    asked = [asyncio.create_task(ask()) for _ in range(10)]
    await slow.under_way()
    await asyncio.sleep(0.2)  # the others have looked, and wait
    slow.go.set()
    assert await asyncio.gather(*asked) == ["broken"] * 10
    assert slow.begun == 1
    assert await ask() == "broken"
    assert slow.begun == 2


async def test_when_the_one_who_computes_is_cancelled_another_does(cache: Cache) -> None:
    slow = Slow()
    first = asyncio.create_task(_ask(cache, slow))
    await slow.under_way()
    others = [asyncio.create_task(_ask(cache, slow)) for _ in range(5)]
    await asyncio.sleep(0.02)
    first.cancel()
    await slow.under_way(2)
    slow.go.set()
    assert await asyncio.gather(*others) == ["first"] * 5
    assert slow.begun == 2


async def test_one_who_waits_may_leave_without_harm(cache: Cache) -> None:
    slow = Slow()
    first = asyncio.create_task(_ask(cache, slow))
    await slow.under_way()
    second = asyncio.create_task(_ask(cache, slow))
    await asyncio.sleep(0.01)
    second.cancel()
    slow.go.set()
    assert await first == "first"
    assert second.cancelled() or second.cancelling()


async def test_a_fill_that_was_voided_is_not_kept_and_not_joined(cache: Cache) -> None:
    slow = Slow()
    first = asyncio.create_task(_ask(cache, slow))
    await slow.under_way()
    await cache.void("tag", shared="everyone")
    slow.value = "second"
    later = asyncio.create_task(_ask(cache, slow))
    await slow.under_way(2)
    slow.go.set()
    # Who asked before may get what was so then; who asked after may not.
    assert [await first, await later] == ["first", "second"]
    assert await cache.get("key", shared="everyone") in ("second", None)
    assert await _ask(cache, slow) == "second"


async def test_a_fill_whose_key_was_deleted_or_set_does_not_overwrite(cache: Cache) -> None:
    for deed in ("delete", "set"):
        slow = Slow()
        first = asyncio.create_task(_ask(cache, slow))
        await slow.under_way()
        if deed == "delete":
            await cache.delete("key", shared="everyone")
        else:
            await cache.set("key", "by hand", ttl=60, shared="everyone")
        slow.go.set()
        assert await first == "first"
        assert await cache.get("key", shared="everyone") == (None if deed == "delete" else "by hand")
        await cache.delete("key", shared="everyone")


async def test_two_processes_compute_once(redis_url: str, tmp_path: Path) -> None:
    nodes = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.rooms.cache.node", redis_url, str(tmp_path), name],
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in ("one", "two")
    ]
    deadline = time.monotonic() + 30
    while len(list(tmp_path.glob("*.ready"))) < 2 and time.monotonic() < deadline:
        await asyncio.sleep(0.01)
    (tmp_path / "go").touch()
    said = [json.loads(node.communicate(timeout=30)[0]) for node in nodes]
    assert sum(each["computed"] for each in said) == 1
    assert said[0]["got"] == said[1]["got"]


async def test_a_lease_that_was_taken_over_keeps_nothing(redis_url: str) -> None:
    # What a process does that was away for longer than its lease: a paused container, a laptop asleep.
    slept = Cache(CacheOptions(lease=0.05), redis_store(redis_url, namespace="test", timeout=2.0))
    other = Cache(CacheOptions(lease=0.05), redis_store(redis_url, namespace="test", timeout=2.0))
    slow = Slow()
    filling = asyncio.create_task(_ask(slept, slow))
    await slow.under_way()
    for each in slept._loops.values():
        # As if it could not renew.
        each._renew = lambda fill: None  # type: ignore[method-assign]  # the process is asleep
    await asyncio.sleep(0.12)
    assert await other.get_or_set("key", lambda: "newer", ttl=60, shared="everyone", tags=["tag"]) == "newer"
    slow.go.set()
    assert await filling == "first"
    assert (await slept.get("key", shared="everyone"), slept.counts.refused) == ("newer", 1)
    await slept.close()
    await other.close()


async def test_a_fill_that_another_process_voided_is_not_kept(redis_url: str) -> None:
    one = Cache(store=redis_store(redis_url, namespace="test", timeout=2.0))
    two = Cache(store=redis_store(redis_url, namespace="test", timeout=2.0))
    slow = Slow()
    filling = asyncio.create_task(_ask(one, slow))
    await slow.under_way()
    await two.void("tag", shared="everyone")
    slow.go.set()
    assert await filling == "first"
    assert (await two.get("key", shared="everyone"), one.counts.refused) == (None, 1)
    await one.close()
    await two.close()


async def test_a_lease_is_renewed_for_as_long_as_the_computation_takes(redis_url: str) -> None:
    one = Cache(CacheOptions(lease=0.4), redis_store(redis_url, namespace="test", timeout=2.0))
    two = Cache(CacheOptions(lease=0.4), redis_store(redis_url, namespace="test", timeout=2.0))
    slow = Slow()
    asked = [asyncio.create_task(_ask(each, slow)) for each in (one, two)]
    await asyncio.sleep(0.9)
    slow.go.set()
    assert await asyncio.gather(*asked) == ["first", "first"]
    assert slow.begun == 1
    await one.close()
    await two.close()


async def test_who_has_waited_long_enough_computes(redis_url: str) -> None:
    one = Cache(store=redis_store(redis_url, namespace="test", timeout=2.0))
    two = Cache(CacheOptions(patience=0.05), redis_store(redis_url, namespace="test", timeout=2.0))
    slow = Slow()
    first = asyncio.create_task(_ask(one, slow))
    await slow.under_way()
    second = asyncio.create_task(_ask(two, slow))
    await slow.under_way(2)
    slow.go.set()
    assert list(await asyncio.gather(first, second)) == ["first", "first"]
    await one.close()
    await two.close()


async def test_def_functions_on_many_threads_compute_once(cache: Cache) -> None:
    begun = []

    @cache.cached(ttl=60, shared="everyone")
    def slow() -> int:
        begun.append(1)
        time.sleep(0.1)
        return len(begun)

    assert await asyncio.gather(*(asyncio.to_thread(slow) for _ in range(8))) == [1] * 8


async def _ask(cache: Cache, slow: Slow) -> str:
    return str(await cache.get_or_set("key", slow, ttl=60, shared="everyone", tags=["tag"]))
