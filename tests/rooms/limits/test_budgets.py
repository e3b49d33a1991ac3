"""The core: a budget admits what GCRA admits, and says truthfully what is left."""

import time
import timeit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mainstay.base.errors import ConfigurationError
from mainstay.limits import Rate, RouteLimit
from mainstay.limits.budget import Budget
from mainstay.limits.policy import Policy


def budget(text: str) -> Budget:
    return Budget(Policy("test", Rate.parse(text)), "")


def spend(budget: Budget, now: float) -> bool:
    if budget.look(now):
        return False
    budget.take(now)
    return True


rates = st.builds(
    Rate, st.integers(1, 1000), st.sampled_from([1, 60, 3600]), st.one_of(st.none(), st.integers(1, 1000))
)


@settings(max_examples=60, deadline=None)
@given(rates, st.lists(st.floats(0, 5), min_size=1, max_size=80))
def test_no_stretch_of_time_admits_more_than_the_burst_and_what_comes_back(rate: Rate, steps: list[float]) -> None:
    tested, now, times = Budget(Policy("test", rate), ""), 1000.0, []
    for step in steps:
        now += step * rate.interval
        if spend(tested, now):
            times.append(now)
    for first, start in enumerate(times):
        for last in range(first, len(times)):
            assert last - first + 1 <= rate.most + (times[last] - start) / rate.interval + 0.002


@settings(max_examples=60, deadline=None)
@given(rates, st.integers(0, 50))
def test_what_is_said_to_be_left_can_be_had_and_no_more(rate: Rate, before: int) -> None:
    tested = Budget(Policy("test", rate), "")
    for _ in range(before):
        spend(tested, 1000.0)
    left = int(tested.left(1000.0))
    assert sum(spend(tested, 1000.0) for _ in range(left + 3)) == left


@settings(max_examples=60, deadline=None)
@given(rates)
def test_whoever_waits_as_long_as_told_is_admitted_and_not_before(rate: Rate) -> None:
    tested = Budget(Policy("test", rate), "")
    while spend(tested, 1000.0):
        pass
    wait = tested.look(1000.0)
    assert tested.look(1000.0 + wait * 0.99 - 1e-6) > 0
    assert tested.look(1000.0 + wait) == 0


def test_a_whole_burst_comes_at_once_and_then_one_by_one() -> None:
    tested = budget("100/hour")
    assert sum(spend(tested, 1000.0) for _ in range(150)) == 100
    assert tested.look(1000.0) == pytest.approx(36, rel=0.001)
    assert sum(spend(tested, 1036.0) for _ in range(5)) == 1


def test_more_at_once_than_the_burst_is_never_there() -> None:
    tested = budget("100/hour burst 10")
    assert tested.look(1000.0, 10) == 0
    assert tested.look(1000.0, 11) > 0


def test_a_smaller_burst_spreads_the_same_rate() -> None:
    tested = budget("600/minute burst 10")
    assert sum(spend(tested, 1000.0) for _ in range(50)) == 10
    assert sum(spend(tested, 1000.0 + tick / 100) for tick in range(1, 6001)) == 600


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("100/hour", Rate(100, 3600)),
        ("1,000 per hour", Rate(1000, 3600)),
        ("10_000/h", Rate(10_000, 3600)),
        ("5/second", Rate(5, 1)),
        ("20/30s", Rate(20, 30)),
        ("20 / 30 seconds", Rate(20, 30)),
        ("600/minute burst 50", Rate(600, 60, 50)),
        ("1/day", Rate(1, 86_400)),
    ],
)
def test_rates_are_written_as_people_write_them(text: str, rate: Rate) -> None:
    assert Rate.parse(text) == rate


def test_a_route_s_limit_says_what_it_is_counted_by_and_whether_it_is_loose() -> None:
    assert RouteLimit.parse("5/minute by address") == RouteLimit(Rate(5, 60), "address")
    assert RouteLimit.parse("5000/hour loose") == RouteLimit(Rate(5000, 3600), "caller", loose=True)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "100",
        "100/fortnight",
        "-1/hour",
        "0/hour",
        "1/0s",
        "5/minute loose",
        "9999999999999/second",
        "1/99d",
        "\u0661/s",
    ],
)
def test_what_is_no_rate_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"Write it like|Choose"):
        Rate.parse(text)


def test_a_check_in_the_process_costs_less_than_a_microsecond() -> None:
    tested = budget("1000000000/hour")
    best = min(timeit.repeat(lambda: spend(tested, 1000.0), timer=time.process_time, number=20_000, repeat=9)) / 20_000
    assert best < 1e-6, f"{best * 1e9:.0f} ns"
