"""Who is counted, in which tier, and what the answers say: one limiter in this process."""

import re
from contextlib import suppress

import pytest

from mainstay.base.context import Caller
from mainstay.base.errors import ConfigurationError, TooManyRequests
from mainstay.base.ports import HttpScope
from mainstay.base.tenant import TenantScope
from mainstay.limits import Limiter, LimitsOptions, RouteLimit, Subject
from mainstay.testing import FakeClock
from tests.rooms.limits.callers import admitted, answer, caller, request


@pytest.fixture
def clock() -> FakeClock:
    clock = FakeClock()
    clock.freeze()
    return clock


async def test_the_default_tiers_go_by_the_names_of_roles(clock: FakeClock) -> None:
    limiter = Limiter(LimitsOptions(), clock)
    assert await admitted(limiter, 150, caller("ada")) == 100
    assert await admitted(limiter, 1100, caller("bob", "user", "premium")) == 1000
    assert await admitted(limiter, 10_100, caller("cyn", "enterprise", "premium")) == 10_000
    assert await admitted(limiter, 20_000, caller("root", "admin")) == 20_000


async def test_the_budget_comes_back_evenly(clock: FakeClock) -> None:
    limiter = Limiter(LimitsOptions(), clock)
    await admitted(limiter, 100, caller())
    clock.advance(minutes=6)
    assert await admitted(limiter, 100, caller()) == 10
    clock.advance(hours=2)
    assert await admitted(limiter, 150, caller()) == 100


async def test_each_user_tenant_key_and_address_has_a_budget_of_its_own(clock: FakeClock) -> None:
    limiter = Limiter(LimitsOptions(tiers={"free": "2/hour"}), clock)
    seen = [caller("ada"), caller("bob"), caller("ada", tenant="globex"), caller("ada", key="k1"), None]
    assert [await admitted(limiter, 5, who) for who in seen] == [2, 2, 2, 2, 2]
    assert await admitted(limiter, 5, None, address="198.51.100.7") == 2
    assert [await admitted(limiter, 5, who) for who in seen] == [0, 0, 0, 0, 0]


async def test_every_answer_says_where_the_caller_stands(clock: FakeClock) -> None:
    limiter = Limiter(LimitsOptions(), clock)
    told = await answer(limiter, caller("bob", "premium"))
    ahead = int(told.pop("x-ratelimit-reset")) - clock.now().timestamp()
    assert 3.6 <= ahead <= 4.6
    assert told == {
        "status": "200",
        "ratelimit-policy": '"premium";q=1000;w=3600',
        "ratelimit": '"premium";r=999;t=4',
        "x-ratelimit-limit": "1000",
        "x-ratelimit-remaining": "999",
        "x-ratelimit-tier": "premium",
    }


async def test_a_refusal_says_when_to_try_again_and_that_is_true(clock: FakeClock) -> None:
    limiter = Limiter(LimitsOptions(), clock)
    await admitted(limiter, 100, caller())
    told = await answer(limiter, caller())
    assert (told["status"], told["retry-after"], told["x-ratelimit-remaining"]) == ("429", "36", "0")
    assert told["ratelimit"] == '"free";r=0;t=36'
    clock.advance(seconds=35)
    assert (await answer(limiter, caller()))["status"] == "429"
    clock.advance(seconds=1)
    assert (await answer(limiter, caller()))["status"] == "200"


async def test_the_refusal_names_the_limit_that_was_reached() -> None:
    limiter = Limiter(LimitsOptions(tiers={"free": "1/hour"}))
    await admitted(limiter, 1, caller())
    with pytest.raises(TooManyRequests) as refusal:
        limiter.admit_now(request(), caller())
    assert refusal.value.extra == {"violated-policies": ["free"]}
    assert refusal.value.status == 429


async def test_both_headers_are_structured_fields(clock: FakeClock) -> None:
    options = LimitsOptions(addresses="1000/hour", routes={'GET /api/v1/"odd\\%d"': "5/minute"})
    told = await answer(Limiter(options, clock), caller(), path='/api/v1/"odd\\%d"')
    string = r'"(?:[ !#-\[\]-~]|\\["\\])*"'
    assert re.fullmatch(rf"({string};q=\d+;w=\d+(, |$)){{3}}", told["ratelimit-policy"])
    assert re.fullmatch(rf"({string};r=\d+;t=\d+(, |$)){{3}}", told["ratelimit"])
    assert told["x-ratelimit-limit"] == "5"


async def test_an_unlimited_caller_is_told_so(clock: FakeClock) -> None:
    told = await answer(Limiter(LimitsOptions(), clock), caller("root", "admin"))
    assert told == {
        "status": "200",
        "x-ratelimit-limit": "unlimited",
        "x-ratelimit-remaining": "unlimited",
        "x-ratelimit-tier": "admin",
    }


async def test_a_function_gives_tiers_and_roles_decide_where_it_is_silent(clock: FakeClock) -> None:
    plans = {caller("ada").actor.user_id: "gold"}
    options = LimitsOptions(
        tiers={"free": "2/hour", "gold": "5/hour", "premium": "3/hour"},
        tier_of=lambda who: plans.get(who.actor.user_id),
    )
    limiter = Limiter(options, clock)
    assert await admitted(limiter, 9, caller("ada")) == 5
    assert await admitted(limiter, 9, caller("bob", "premium")) == 3
    assert await admitted(limiter, 9, caller("cyn")) == 2


async def test_the_function_may_be_asynchronous_and_is_asked_again_after_a_while(clock: FakeClock) -> None:
    asked: list[str] = []
    tier = "free"

    async def tier_of(who: Caller) -> str:
        asked.append(who.actor.key)
        return tier

    limiter = Limiter(LimitsOptions(tiers={"free": "2/hour", "gold": "5/hour"}, tier_of=tier_of), clock)
    assert await admitted(limiter, 9, caller("ada")) == 2
    assert len(asked) == 1
    tier = "gold"
    clock.advance(seconds=5)
    assert await admitted(limiter, 9, caller("ada")) == 5
    assert len(asked) == 2


async def test_a_plain_function_may_answer_with_a_coroutine(clock: FakeClock) -> None:
    async def look_up() -> str:
        return "gold"

    options = LimitsOptions(tiers={"free": "2/hour", "gold": "5/hour"}, tier_of=lambda who: look_up())
    assert await admitted(Limiter(options, clock), 9, caller("ada")) == 5


async def test_a_tier_that_nobody_defined_is_the_default_one(
    clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    options = LimitsOptions(tiers={"free": "2/hour"}, tier_of=lambda who: "platinum")
    assert await admitted(Limiter(options, clock), 9, caller("ada")) == 2
    assert [record.getMessage()[:33] for record in caplog.records] == ["There is no tier 'platinum': its "]


async def test_a_role_that_is_taken_away_counts_at_once(clock: FakeClock) -> None:
    limiter = Limiter(LimitsOptions(tiers={"free": "2/hour", "gold": "5/hour"}), clock)
    assert await admitted(limiter, 3, caller("ada", "gold")) == 3
    assert await admitted(limiter, 9, caller("ada", "user")) == 2


async def test_a_tenant_s_tier_is_shared_by_its_callers_and_holds_for_its_admins_too(clock: FakeClock) -> None:
    async def tenant_tier_of(scope: TenantScope) -> str | None:
        return "small" if scope == caller(tenant="acme").scope else None

    options = LimitsOptions(tiers={"free": "4/hour", "small": "6/hour", "admin": None}, tenant_tier_of=tenant_tier_of)
    limiter = Limiter(options, clock)
    assert await admitted(limiter, 9, caller("ada")) == 4
    assert await admitted(limiter, 9, caller("root", "admin")) == 2
    assert await admitted(limiter, 9, caller("bob")) == 0
    assert (await answer(limiter, caller("bob")))["x-ratelimit-limit"] == "6"
    assert await admitted(limiter, 9, caller("ada", tenant="globex")) == 4


async def test_a_refused_request_spends_from_no_budget(clock: FakeClock) -> None:
    options = LimitsOptions(tiers={"free": "10/hour"}, routes={"POST /reports": "1/hour"})
    limiter = Limiter(options, clock)
    assert await admitted(limiter, 5, caller(), path="/reports", method="POST") == 1
    assert (await answer(limiter, caller()))["x-ratelimit-remaining"] == "8"


async def test_strict_routes_stand_beside_the_tier_and_loose_ones_in_its_place(clock: FakeClock) -> None:
    options = LimitsOptions(
        tiers={"free": "5/hour", "admin": None},
        routes={
            "POST /api/v1/books": "2/minute",
            "/search*": "8/hour loose",
            "GET /files/{name}": RouteLimit.parse("1/hour"),
        },
    )
    limiter = Limiter(options, clock)
    assert await admitted(limiter, 9, caller(), path="/search/all") == 8
    assert await admitted(limiter, 9, caller(), path="/api/v1/books", method="POST") == 2
    assert await admitted(limiter, 9, caller(), path="/files/a") == 1
    assert await admitted(limiter, 9, caller(), path="/files/b", method="HEAD") == 0
    assert await admitted(limiter, 9, caller(), path="/files/a/b") == 2
    assert await admitted(limiter, 9, caller()) == 0
    assert await admitted(limiter, 9, caller("root", "admin"), path="/files/a") == 9


async def test_a_generated_route_s_limit_covers_all_of_its_rows(clock: FakeClock) -> None:
    limiter = Limiter(LimitsOptions(routes={"GET /api/v1/books/{id}": "3/hour"}), clock)
    how = {"route": "/api/v1/books/{id}"}
    assert sum([await admitted(limiter, 1, caller(), path=f"/api/v1/books/{n}", **how) for n in range(9)]) == 3


@pytest.mark.parametrize(
    ("by", "expected"), [("caller", [3, 3, 3]), ("address", [3, 0, 0]), ("everyone", [3, 0, 0]), ("tenant", [3, 0, 3])]
)
async def test_a_route_s_limit_counts_what_it_is_told_to(by: str, expected: list[int], clock: FakeClock) -> None:
    limiter = Limiter(LimitsOptions(routes={"/x": f"3/hour by {by}"}), clock)
    seen = [caller("ada"), caller("bob"), caller("cyn", tenant="globex")]
    assert [await admitted(limiter, 9, who, path="/x") for who in seen] == expected


async def test_exempt_paths_are_neither_counted_nor_told_of(clock: FakeClock) -> None:
    limiter = Limiter(LimitsOptions(tiers={"free": "1/hour"}, exempt=("/livez", "/docs*")), clock)
    assert await admitted(limiter, 50, path="/livez") == 50
    assert await admitted(limiter, 50, path="/docs/oauth2-redirect") == 50
    assert await answer(limiter, path="/livez") == {"status": "200"}
    assert await admitted(limiter, 50, path="/livez/") == 1


async def test_an_app_below_a_path_exempts_and_limits_its_own_paths(clock: FakeClock) -> None:
    limiter = Limiter(LimitsOptions(tiers={"free": "1/hour"}, routes={"/search": "3/hour loose"}), clock)
    below = {"root_path": "/shop"}
    for path, expected in (("/shop/livez", 9), ("/shop/search", 3), ("/shop/other", 1)):
        through = 0
        for _ in range(9):
            with suppress(TooManyRequests):
                limiter.admit_now({**request(path), **below}, caller())
                through += 1
        assert through == expected


async def test_one_address_has_a_budget_whoever_calls_from_it(clock: FakeClock) -> None:
    limiter = Limiter(LimitsOptions(addresses="5/hour"), clock)
    assert await admitted(limiter, 3, caller("ada")) == 3
    assert await admitted(limiter, 9, caller("bob")) == 2
    assert await admitted(limiter, 9, None) == 0
    assert await admitted(limiter, 9, caller("ada"), address="198.51.100.7") == 5


async def test_an_app_counts_by_a_key_of_its_own(clock: FakeClock) -> None:
    def by_key(scope: HttpScope, who: Caller | None) -> Subject | None:
        key = dict(scope["headers"]).get(b"x-forwarded-for")
        return Subject(f"key:{key.decode()}", "gold") if key else None

    options = LimitsOptions(tiers={"free": "2/hour", "gold": "5/hour"}, subject_of=by_key)
    limiter = Limiter(options, clock)
    assert await admitted(limiter, 9, caller(), forwarded="a") == 5
    assert await admitted(limiter, 9, None, forwarded="a", address="198.51.100.7") == 0
    assert await admitted(limiter, 9, None, forwarded="b") == 5
    assert await admitted(limiter, 9, caller()) == 2


async def test_other_options_hold_from_the_next_request_on_and_what_was_spent_stays_spent(clock: FakeClock) -> None:
    limiter = Limiter(LimitsOptions(tiers={"free": "5/hour"}), clock)
    assert await admitted(limiter, 3, caller()) == 3
    limiter.replace(LimitsOptions(tiers={"free": "5/hour"}, routes={"/x": "1/hour"}))
    assert await admitted(limiter, 9, caller()) == 2
    limiter.replace(None)
    assert await admitted(limiter, 9, caller()) == 9
    assert await answer(limiter, caller()) == {"status": "200"}
    limiter.replace(LimitsOptions(tiers={"free": "7/hour"}))
    assert await admitted(limiter, 9, caller()) == 7
    with pytest.raises(ConfigurationError):
        limiter.replace(LimitsOptions(routes={"books": "1/hour"}))
    assert limiter.options is not None
    assert limiter.options.routes == {}


async def test_messages_jobs_and_costly_queries_spend_from_the_same_budget(clock: FakeClock) -> None:
    limiter = Limiter(LimitsOptions(tiers={"free": "10/hour"}), clock)
    socket = request("/connection")
    await limiter.charge(socket, caller(), cost=7)
    assert await admitted(limiter, 9, caller()) == 3
    with pytest.raises(TooManyRequests):
        await limiter.charge(socket, caller())
    assert "mainstay.headers" not in socket


async def test_the_state_is_read_without_spending(clock: FakeClock) -> None:
    limiter = Limiter(LimitsOptions(tiers={"free": "10/hour", "admin": None}), clock)
    await admitted(limiter, 4, caller())
    for _ in range(3):
        state = await limiter.state(request(), caller())
    assert (state.tier, state.limit, state.remaining, state.policies) == ("free", 10, 6, ("free",))
    assert state.resets_at is not None
    assert (state.resets_at - clock.now()).total_seconds() == pytest.approx(4 * 360)
    unlimited = await limiter.state(request(), caller("root", "admin"))
    assert (unlimited.tier, unlimited.limit, unlimited.remaining) == ("admin", None, None)


async def test_memory_is_bounded_and_whoever_is_still_limited_stays_so(clock: FakeClock) -> None:
    limiter = Limiter(LimitsOptions(tiers={"free": "1/hour"}, most_budgets=2000), clock)
    await admitted(limiter, 1, caller("ada"))
    clock.advance(minutes=30)
    for number in range(1500):
        await admitted(limiter, 1, address=f"10.0.{number // 250}.{number % 250}")
    assert await admitted(limiter, 1, caller("ada")) == 0
    clock.advance(minutes=90)
    for number in range(5000):
        await admitted(limiter, 1, address=f"10.1.{number // 250}.{number % 250}")
    assert limiter.figures()["budgets"] <= 2000


async def test_a_budget_that_was_forgotten_while_whole_is_not_spent_from_twice(clock: FakeClock) -> None:
    options = LimitsOptions(tiers={"free": "1/hour"})
    limiter = Limiter(options, clock)
    await admitted(limiter, 1, caller("ada"))
    clock.advance(hours=2)
    for number in range(1500):
        await admitted(limiter, 1, address=f"10.0.{number // 250}.{number % 250}")
    assert await admitted(limiter, 1, caller("ada")) == 1
    limiter.replace(options)
    assert await admitted(limiter, 1, caller("ada")) == 0


def test_what_cannot_be_kept_is_refused_at_the_start() -> None:
    for wrong in (  # each of another kind
        {"tiers": {"free": "often"}},
        {"tiers": {"free tier": "1/hour"}},
        {"default_tier": "gold"},
        {"anonymous_tier": "gold"},
        {"routes": {"FETCH /x": "1/hour"}},
        {"routes": {"/x": "now and then"}},
        {"routes": {"/x\r\nset-cookie:a": "1/hour"}},
        {"trusted_proxies": ("nginx",)},
        {"addresses": "many"},
        {"without_redis": "ajar"},
    ):
        with pytest.raises(ConfigurationError):
            Limiter(LimitsOptions(**wrong))
