"""Nobody gets what was computed for somebody else."""

import asyncio

import pytest

from mainstay.base.context import acting, current_caller, refusing, require_caller
from mainstay.base.errors import BadRequest, ConfigurationError, SignInRequired
from mainstay.cache import Cache, CacheOptions, Owner
from tests.rooms.cache.callers import ADA, BOB, ONE, OTHER, caller

EVERYBODY = [
    caller(),
    caller(BOB),
    caller(tenant=OTHER),
    caller(roles="user admin"),
    caller(roles=""),
    caller(scopes="read"),
    caller(None),
    caller(None, OTHER),
]


async def test_each_caller_has_values_of_their_own() -> None:
    cache = Cache()

    @cache.cached(ttl=60)
    async def me() -> str:
        return repr(require_caller().actor) + require_caller().require_scope().key

    async def ask(index: int) -> str:
        with acting(EVERYBODY[index]):
            return await me()

    for _ in range(2):
        answers = await asyncio.gather(*(ask(index) for index in range(len(EVERYBODY))))
        wanted = [repr(each.actor) + each.require_scope().key for each in EVERYBODY]
        assert answers == wanted
    assert cache.counts.fills == len(EVERYBODY)


async def test_by_hand_it_is_the_same() -> None:
    cache = Cache()
    for index, each in enumerate(EVERYBODY):
        with acting(each):
            assert await cache.get("key") is None
            await cache.set("key", index, ttl=60)
    for index, each in enumerate(EVERYBODY):
        with acting(each):
            assert await cache.get("key") == index
            assert await cache.get("key", shared="tenant") is None
    with acting(EVERYBODY[0]):
        await cache.delete("key")
        assert await cache.get("key") is None
    with acting(EVERYBODY[1]):
        assert await cache.get("key") == 1


async def test_what_a_tenant_shares_stays_in_the_tenant_and_is_made_as_a_visitor() -> None:
    cache = Cache()
    seen = []

    @cache.cached(ttl=60, shared="tenant")
    async def totals() -> str:
        found = require_caller()
        seen.append((found.actor.signed_in, found.actor.roles, found.require_scope().tenant_id))
        return found.require_scope().key

    for each in (caller(roles="admin"), caller(BOB), caller(None), caller(tenant=OTHER)):
        with acting(each):
            assert await totals() == each.require_scope().key
            assert current_caller() is each
    assert seen == [(False, frozenset(), ONE), (False, frozenset(), OTHER)]


async def test_what_everyone_shares_is_made_for_nobody() -> None:
    cache = Cache()

    @cache.cached(ttl=60, shared="everyone")
    async def rates() -> str:
        return "none" if current_caller() is None else "somebody"

    @cache.cached(ttl=60, shared="everyone")
    async def rows() -> str:
        return require_caller().request_id

    with acting(caller(roles="admin")):
        assert await rates() == "none"
        with pytest.raises(ConfigurationError, match="nobody is calling"):
            await rows()
    assert await rates() == "none"
    assert cache.counts.fills == 1


async def test_without_a_caller_it_is_refused() -> None:
    cache = Cache()

    @cache.cached(ttl=60)
    async def one() -> int:
        return 1

    @cache.cached(ttl=60, shared="tenant")
    async def two() -> int:
        return 2

    for asked in (one(), two(), cache.get("a"), cache.set("a", 1, ttl=1), cache.void("a"), cache.delete("a")):
        with pytest.raises(ConfigurationError, match="nobody is calling, so it belongs to nobody"):
            await asked
    with refusing(SignInRequired("Expired.")), pytest.raises(SignInRequired, match=r"Expired\."):
        await one()
    nowhere = type(caller())(caller().actor, None, "request")
    with acting(nowhere), pytest.raises(BadRequest, match="names no tenant"):
        await two()


async def test_voiding_reaches_the_callers_tenant_and_no_other() -> None:
    cache = Cache()
    people = [caller(), caller(BOB), caller(tenant=OTHER)]
    for each in people:
        with acting(each):
            await cache.set("key", 1, ttl=60, tags=["books"])
    await cache.set("key", 1, ttl=60, tags=["books"], shared="everyone")
    with acting(caller(BOB)):
        await cache.void("books")
    found = []
    for each in people:
        with acting(each):
            found.append(await cache.get("key"))
    assert found == [None, None, 1]
    assert await cache.get("key", shared="everyone") == 1
    await cache.void("books", shared="everyone")
    assert await cache.get("key", shared="everyone") is None


async def test_an_app_of_its_own_says_whose_it_is() -> None:
    who: list[Owner | None] = [Owner("a", "1")]
    cache = Cache(CacheOptions(whose=lambda: who[0]))
    await cache.set("key", 1, ttl=60)
    for other in (Owner("a", "2"), Owner("b", "1"), Owner("a:1", ""), Owner("", "a1")):
        who[0] = other
        if other.tenant:
            assert await cache.get("key") is None
        else:
            with pytest.raises(ConfigurationError):
                await cache.get("key")
    for none in (None, Owner("*", "*")):
        who[0] = none
        with pytest.raises(ConfigurationError, match="belongs to nobody"):
            await cache.get("key")
    who[0] = Owner("a", "1")
    assert await cache.get("key") == 1


def test_the_users_are_who_they_are_called() -> None:
    assert len({repr(each) for each in EVERYBODY}) == len(EVERYBODY)
    assert ADA != BOB
