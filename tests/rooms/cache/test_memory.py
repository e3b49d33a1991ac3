"""The memory engine keeps to its bounds, and lets the least recently used go first."""

import tracemalloc

import pytest

from mainstay.cache import Cache, CacheOptions, Memory
from mainstay.cache.ports import Entry, Lease


def entry(size: int = 10) -> Entry:
    return Entry(b"x" * size, ("",), float("inf"), 0.0, 0, 0)


async def test_the_least_recently_used_go_first() -> None:
    memory = Memory(most_entries=3)
    for key in "abc":
        await memory.keep(Lease(key, ""), entry())
    assert memory.peek("a") is not None
    await memory.keep(Lease("d", ""), entry())
    assert [key for key in "abcd" if memory.peek(key)] == ["a", "c", "d"]
    assert memory.evicted == 1


async def test_its_bytes_are_bounded_whatever_is_kept() -> None:
    memory = Memory(most_bytes=100_000)
    for number in range(1000):
        await memory.keep(Lease(str(number % 300), ""), entry(number % 5000))
        assert memory.bytes <= 100_000
    assert len(memory) > 10
    for number in range(300):
        await memory.delete(str(number))
    assert (len(memory), memory.bytes) == (0, 0)


async def test_what_it_counts_is_what_it_takes() -> None:
    memory = Memory()
    tracemalloc.start()
    for number in range(2000):
        lease = Lease(f"{number:040}", "")
        await memory.keep(lease, Entry(b"%0200d" % number, ("", f"tenant:{number}"), 1e9 + number, 0.5, number, number))
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert 0.6 < taken / memory.bytes < 1.4


async def test_one_that_is_too_large_is_answered_and_not_kept() -> None:
    cache = Cache(store=Memory(most_bytes=80_000))
    for _ in range(2):
        assert len(await cache.get_or_set("key", lambda: "x" * 20_000, ttl=60, shared="everyone")) == 20_000
    assert (cache.counts.fills, cache.counts.hits, cache.counts.refused) == (2, 0, 2)


async def test_tags_beyond_the_most_void_too_much_and_never_too_little() -> None:
    cache = Cache(CacheOptions(most_tags=10))
    for number in range(40):
        await cache.set(number, number, ttl=60, tags=[f"tag{number}"], shared="everyone")
    await cache.set("late", 1, ttl=60, shared="everyone")
    for number in range(30):
        await cache.void(f"tag{number}", shared="everyone")
    found = [await cache.get(number, shared="everyone") for number in range(40)]
    assert found[:30] == [None] * 30
    await cache.set("new", 2, ttl=60, tags=["tag1"], shared="everyone")
    assert await cache.get("new", shared="everyone") == 2


@pytest.mark.parametrize("size", [1, 7])
async def test_an_entry_in_the_place_of_another_is_counted_once(size: int) -> None:
    memory = Memory()
    for _ in range(5):
        await memory.keep(Lease("key", ""), entry(size))
    assert memory.bytes < 2 * (512 + size + 3)
