"""The decorator: what is computed, what is kept, for how long, and what never is."""

import asyncio
import re
from datetime import timedelta
from typing import Any

import pytest

from mainstay.base.context import acting, current_caller
from mainstay.base.errors import ConfigurationError, NotFound
from mainstay.cache import Cache, CacheOptions, Memory, NotCacheable, cached
from mainstay.testing import FakeClock
from tests.rooms.cache.callers import caller


@pytest.fixture
def clock() -> FakeClock:
    clock = FakeClock()
    clock.freeze()
    return clock


@pytest.fixture
def cache(clock: FakeClock) -> Cache:
    return Cache(CacheOptions(jitter=0), Memory(clock=clock), clock=clock)


class Calls:
    """Counts how often something was computed."""

    def __init__(self) -> None:
        self.made: list[Any] = []

    async def __call__(self, value: Any) -> Any:
        self.made.append(value)
        return value


async def test_arguments_name_the_value_however_they_are_passed(cache: Cache) -> None:
    calls = Calls()

    @cache.cached(ttl=60, shared="everyone")
    async def total(year: int, region: str = "all", *, net: bool = False) -> str:
        return str(await calls(f"{year} {region} {net}"))

    assert [await total(1), await total(year=1), await total(1, "all"), await total(1, net=False, region="all")] == [
        "1 all False"
    ] * 4
    assert await total(1, "north") == "1 north False"
    assert await total(True) == "True all False"
    assert calls.made == ["1 all False", "1 north False", "True all False"]


async def test_an_entry_is_gone_at_its_deadline(cache: Cache, clock: FakeClock) -> None:
    calls = Calls()

    @cache.cached(ttl=timedelta(seconds=10), shared="everyone")
    async def one() -> int:
        await calls(1)
        return len(calls.made)

    assert await one() == 1
    clock.advance(seconds=9.999)
    assert await one() == 1
    clock.advance(seconds=0.001)
    assert await one() == 2


async def test_ttls_are_shortened_by_chance_and_never_lengthened(clock: FakeClock) -> None:
    cache = Cache(CacheOptions(jitter=0.5), Memory(clock=clock), clock=clock)
    for key in range(200):
        await cache.set(key, key, ttl=100, shared="everyone")
    clock.advance(seconds=49.9)
    assert [await cache.get(key, shared="everyone") for key in range(200)] == list(range(200))
    clock.advance(seconds=25)
    left = [key for key in range(200) if await cache.get(key, shared="everyone") is not None]
    assert 50 < len(left) < 150
    clock.advance(seconds=25.2)
    assert [await cache.get(key, shared="everyone") for key in range(200)] == [None] * 200


async def test_none_is_a_value_and_may_be_kept_for_a_time_of_its_own(cache: Cache, clock: FakeClock) -> None:
    calls = Calls()

    @cache.cached(ttl=60, shared="everyone")
    async def found(key: int) -> str | None:
        await calls(key)
        return None

    @cache.cached(ttl=60, none_ttl=0, shared="everyone")
    async def looked_for(key: int) -> str | None:
        await calls(key)
        return None if key else "it"

    @cache.cached(ttl=60, none_ttl=5, shared="everyone")
    async def briefly(key: int) -> str | None:
        await calls(key)
        return None

    assert [await found(1), await found(1)] == [None, None]
    assert len(calls.made) == 1
    assert [await looked_for(1), await looked_for(1), await looked_for(0), await looked_for(0)] == [
        None,
        None,
        "it",
        "it",
    ]
    assert len(calls.made) == 4
    await briefly(1)
    clock.advance(seconds=4)
    await briefly(1)
    assert len(calls.made) == 5
    clock.advance(seconds=1)
    await briefly(1)
    assert len(calls.made) == 6
    assert await cache.get("nothing", "the default", shared="everyone") == "the default"
    await cache.set("none", None, ttl=5, shared="everyone")
    assert await cache.get("none", "the default", shared="everyone") is None


async def test_exceptions_are_raised_and_never_kept(cache: Cache) -> None:
    calls = Calls()

    @cache.cached(ttl=60, shared="everyone")
    async def fails() -> int:
        await calls(1)
        raise NotFound("No such thing.")

    for _ in range(2):
        with pytest.raises(NotFound):
            await fails()
    assert len(calls.made) == 2


async def test_every_answer_is_a_copy(cache: Cache) -> None:
    @cache.cached(ttl=60, shared="everyone")
    async def rows() -> list[dict[str, int]]:
        return [{"a": 1}]

    first = await rows()
    first[0]["a"] = 2
    first.append({})
    assert await rows() == [{"a": 1}]


async def test_def_functions_are_kept_as_well_and_computed_on_their_callers_thread(cache: Cache) -> None:
    computed: list[str] = []

    @cache.cached(ttl=60)
    def who(key: int) -> str:
        found = current_caller()
        computed.append(f"{key} {found.request_id if found else None}")
        return computed[-1]

    with acting(caller()):
        asked = [asyncio.to_thread(who, key) for key in (1, 1, 2, 1)]
        assert await asyncio.gather(*asked) == ["1 request", "1 request", "2 request", "1 request"]
        assert await asyncio.to_thread(who, 1) == "1 request"
    assert sorted(computed) == ["1 request", "2 request"]
    await cache.close()


async def test_a_def_function_is_refused_on_the_event_loop(cache: Cache) -> None:
    @cache.cached(ttl=60, shared="everyone")
    def slow() -> int:
        return 1

    with pytest.raises(ConfigurationError, match="slow is a plain def and was called on the event loop"):
        slow()


async def test_methods_say_what_counts_of_their_object(cache: Cache) -> None:
    class Shop:
        def __init__(self, name: str) -> None:
            self.name = name

        @cache.cached(ttl=60, shared="everyone", key=lambda self, day: (self.name, day))
        async def sales(self, day: int) -> str:
            return f"{self.name} {day}"

        @cache.cached(ttl=60, shared="everyone", ignore={"self"})
        async def same(self) -> str:
            return self.name

        @cache.cached(ttl=60, shared="everyone")
        async def unclear(self) -> str:
            return self.name

    assert [await Shop("a").sales(1), await Shop("b").sales(1)] == ["a 1", "b 1"]
    assert [await Shop("a").same(), await Shop("b").same()] == ["a", "a"]
    with pytest.raises(ConfigurationError, match=re.escape("Shop.unclear: A test_methods")):
        await Shop("a").unclear()


async def test_forgetting_and_other_versions(cache: Cache) -> None:
    calls = Calls()

    async def one(key: int) -> int:
        await calls(key)
        return len(calls.made)

    first = cache.cached(ttl=60, shared="everyone")(one)
    second = cache.cached(ttl=60, shared="everyone", version=2)(one)
    assert [await first(1), await second(1), await first(1), await second(1)] == [1, 2, 1, 2]
    await first.forget(key=1)  # type: ignore[attr-defined]  # what CachedFunction has
    assert [await first(1), await second(1)] == [3, 2]


async def test_a_value_of_another_type_than_before_is_computed_again(cache: Cache) -> None:
    async def before() -> str:
        return "text"

    async def after() -> int:
        return 7

    assert await cache.cached(ttl=60, shared="everyone", name="it")(before)() == "text"
    kept = cache.cached(ttl=60, shared="everyone", name="it")(after)
    assert [await kept(), await kept()] == [7, 7]


async def test_what_cannot_be_kept_is_said_at_the_first_call(cache: Cache) -> None:
    @cache.cached(ttl=60, shared="everyone")
    async def thing() -> Any:
        return object()

    with pytest.raises(NotCacheable, match="A object cannot be kept"):
        await thing()


async def test_a_function_that_waits_for_itself_is_told_so(cache: Cache) -> None:
    @cache.cached(ttl=60, shared="everyone")
    async def loop(key: int) -> int:
        return int(await loop(key))

    with pytest.raises(ConfigurationError, match="waits for its own value"):
        await loop(1)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"ttl": -1}, "cannot be kept"),
        ({"ttl": float("nan")}, "cannot be kept"),
        ({"ttl": 1e12}, "cannot be kept"),
        ({"ttl": 1, "shared": "world"}, "says nothing"),
        ({"ttl": 1, "ignore": {"nobody"}}, "no argument nobody"),
        ({"ttl": 1, "tags": [object()]}, "is no tag"),
        ({"ttl": 1, "tags": [int]}, "is no tag"),
    ],
)
def test_what_cannot_work_is_refused_where_it_is_written(cache: Cache, options: dict[str, Any], says: str) -> None:
    async def one(key: int) -> int:
        return key

    with pytest.raises(ConfigurationError, match=says):
        cache.cached(**options)(one)


def test_a_generator_is_refused_where_it_is_written(cache: Cache) -> None:
    async def rows() -> Any:
        yield 1

    with pytest.raises(ConfigurationError, match="piece by piece"):
        cache.cached(ttl=1)(rows)


async def test_by_hand(cache: Cache) -> None:
    calls = Calls()
    with acting(caller()):
        assert await cache.get(("a", 1)) is None
        await cache.set(("a", 1), {"x": 1}, ttl=60)
        assert await cache.get(("a", 1)) == {"x": 1}
        await cache.delete(("a", 1))
        assert await cache.get(("a", 1)) is None
        assert [await cache.get_or_set("b", lambda: calls(5), ttl=60) for _ in range(2)] == [5, 5]
        assert await cache.get_or_set("c", lambda: 6, ttl=60) == 6
        assert calls.made == [5]
        await cache.clear()
        assert await cache.get("b") is None


async def test_tags_are_voided_by_hand(cache: Cache) -> None:
    with acting(caller()):
        await cache.set("all", 1, ttl=60, tags=["rates"])
        await cache.set("one", 2, ttl=60, tags=[("rates", "EUR")])
        await cache.set("other", 3, ttl=60, tags=[("rates", "USD")])
        await cache.set("free", 4, ttl=60)
        await cache.void(("rates", "EUR"))
        assert [await cache.get(key) for key in ("all", "one", "other", "free")] == [1, None, 3, 4]
        await cache.void("rates")
        assert [await cache.get(key) for key in ("all", "one", "other", "free")] == [None, None, None, 4]
        with pytest.raises(ConfigurationError, match="no tags"):
            await cache.void()


async def test_the_bare_decorator_means_the_cache_that_is_open(cache: Cache) -> None:
    @cached(ttl=60, shared="everyone")
    async def one() -> int:
        return 1

    with pytest.raises(ConfigurationError, match="No cache is open"):
        await one()
    other = Cache()
    await cache.open()
    assert await one() == 1
    assert cache.counts.fills == 1
    await other.open()
    with pytest.raises(ConfigurationError, match="2 caches are open"):
        await one()
    await other.close()
    await cache.close()


async def test_switched_off_it_computes_every_time() -> None:
    cache, calls = Cache(CacheOptions(enabled=False)), Calls()

    @cache.cached(ttl=60, shared="everyone")
    async def one() -> int:
        return int(await calls(1))

    assert [await one(), await one()] == [1, 1]
    assert len(calls.made) == 2
    await cache.set("a", 1, ttl=60, shared="everyone")
    assert await cache.get("a", shared="everyone") is None


async def test_early_refresh_happens_before_the_end_and_disturbs_nobody(clock: FakeClock) -> None:
    cache, calls = Cache(CacheOptions(jitter=0), Memory(clock=clock), clock=clock), Calls()

    @cache.cached(ttl=100, shared="everyone", early=1.0)
    async def slow() -> int:
        await calls(1)
        clock.advance(seconds=5)
        return len(calls.made)

    assert await slow() == 1
    clock.advance(seconds=50)
    # Ten of its costs before the end it is refreshed once in 22,000 calls.
    assert await slow() == 1
    clock.advance(seconds=48)
    for _ in range(200):
        if await slow() == 2:
            break
    assert len(calls.made) == 2
