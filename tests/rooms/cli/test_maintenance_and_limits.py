"""`mainstay maintenance` and `mainstay limits`: what is switched beside a server holds there within a second."""

from collections.abc import Callable
from functools import partial

import httpx2 as httpx

from tests.rooms.cli.shell import Shell
from tests.serving import served, until


def test_a_server_of_several_workers_hears_of_it_within_a_second(shop_on_both: Shell) -> None:
    with served(shop_on_both.folder, "--workers", "2") as (server, client):
        books = f"{client.base_url}/api/v1/books"
        assert httpx.get(books).status_code != 503
        for command, closed in (("on", True), ("off", False)):
            assert shop_on_both("maintenance", command).code == 0
            # Each request on a connection of its own, so that both workers are asked.
            heard = partial(all_are, closed, lambda: httpx.get(books).status_code == 503)
            until(heard, server.said, server.process)
        assert shop_on_both("limits", "set", "-t", "free=1/hour").code == 0
        until(lambda: httpx.get(books).status_code == 429, server.said, server.process)


def all_are(expected: bool, ask: Callable[[], bool]) -> bool:
    return {ask() for _ in range(12)} == {expected}


def test_maintenance_is_switched_and_told(shop_on_both: Shell) -> None:
    assert shop_on_both("maintenance", "status", "--json").json == {"on": False}
    on = shop_on_both("maintenance", "on", "--message", "Back at noon", "--retry-after", "60")
    assert on.code == 0, on.err
    assert "Back at noon" in on.out
    told = {"on": True, "message": "Back at noon", "retry_after": 60}
    assert shop_on_both("maintenance", "status", "--json").json == told
    assert shop_on_both("maintenance", "off", "--json").json == {"on": False}
    assert shop_on_both("maintenance", "on", "--retry-after", "0").code == 2


def test_limits_are_set_and_told(shop_on_both: Shell) -> None:
    assert shop_on_both("limits", "show", "--json").json["on"] is False
    done = shop_on_both("limits", "set", "-t", "free=200/hour", "-r", "POST /reports=5/minute", "--json")
    assert done.code == 0, done.err
    assert done.json["tiers"]["free"] == "200/hour"
    assert done.json["routes"]["POST /reports"] == "5/minute"
    assert shop_on_both("limits", "show").out.count("200/hour") == 1
    assert shop_on_both("limits", "off", "--json").json["on"] is False
    assert shop_on_both("limits", "reset", "--json").json["on"] is False


def test_limits_set_one_after_the_other_all_hold(shop_on_both: Shell) -> None:
    assert shop_on_both("limits", "set", "-t", "free=200/hour").code == 0
    found = shop_on_both("limits", "set", "-r", "POST /reports=5/minute", "--json").json
    assert (found["tiers"]["free"], found["routes"]["POST /reports"]) == ("200/hour", "5/minute")


def test_tiers_are_given_listed_and_taken_back(shop_on_both: Shell) -> None:
    assert (
        shop_on_both("users", "create", "--email", "ada@example.org", "--password", "a long and dull one 7").code == 0
    )
    assert shop_on_both("limits", "give", "premium").code == 0
    given = shop_on_both("limits", "give", "enterprise", "--user", "ada@example.org", "--json")
    assert given.json == {"tenant": "default", "user": "ada@example.org", "tier": "enterprise"}, given.err
    assert shop_on_both("limits", "given", "--json").json == [
        {"tenant": "default", "user": None, "tier": "premium"},
        {"tenant": "default", "user": "ada@example.org", "tier": "enterprise"},
    ]
    assert shop_on_both("limits", "take", "--user", "ada@example.org").code == 0
    assert len(shop_on_both("limits", "given", "--json").json) == 1
    for refused, told in (
        (["gold"], "no tier 'gold'"),
        (["free", "--tenant", "nowhere"], "no tenant 'nowhere'"),
        (["free", "--user", "eve@example.org"], "no member eve@example.org"),
    ):
        answer = shop_on_both("limits", "give", *refused, "--json")
        assert answer.code == 1
        assert told in answer.error["message"]


def test_bad_limits_are_refused_with_a_sentence(shop: Shell) -> None:
    assert shop("limits", "set", "-t", "freee=1/hour", "--json").error["message"].count("no tier 'freee'") == 1
    assert "administrators" in shop("limits", "set", "-t", "admin=1/hour", "--json").error["message"]
    assert shop("limits", "set").code == 2
    assert shop("limits", "set", "-t", "free").code == 2
    refused = shop("limits", "set", "-t", "free=lots", "--json")
    assert refused.code == 1
    assert "'lots' is not a limit" in refused.error["message"]
