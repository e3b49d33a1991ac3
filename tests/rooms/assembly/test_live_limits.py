"""A5: limits are set while the app runs, on every process within a second."""

from typing import Any

import httpx
import pytest

from tests.databases import Urls
from tests.rooms.assembly.live import two_processes, within_a_second

LIMITS = "/system/limits"
BOOKS = "/api/v1/books"


async def exhausted(client: httpx.AsyncClient, **options: Any) -> bool:
    return (await client.get(BOOKS, **options)).status_code == 429


async def test_limits_are_set_and_taken_back_on_every_process_within_a_second(urls: Urls) -> None:
    async with two_processes(urls) as processes:
        root, ada = await processes.sign_in(), await processes.sign_in("ada@example.com", ("user",))
        assert (await processes.here.get(LIMITS, headers=root)).json()["on"] is False
        put = await processes.here.put(LIMITS, json={"tiers": {"free": "3/hour"}}, headers=root)
        assert (put.status_code, put.json()["on"], put.json()["tiers"]["free"]) == (200, True, "3/hour"), put.text
        assert put.json()["set_by"] is not None

        async def exhausted_there() -> bool:
            return await exhausted(processes.there, headers=ada)

        await within_a_second(exhausted_there)
        for _ in range(4):
            found = await processes.here.get(BOOKS, headers=ada)
        assert found.status_code == 429
        # Administrators have no limit, and nobody is kept from setting another one.
        assert all([not await exhausted(processes.here, headers=root) for _ in range(5)])
        assert (await processes.there.delete(LIMITS, headers=root)).json()["on"] is False

        async def free_here() -> bool:
            return not await exhausted(processes.here, headers=ada)

        await within_a_second(free_here)


async def test_a_route_s_limit_and_switching_all_of_it_off(sqlite_urls: Urls) -> None:
    async with two_processes(sqlite_urls, limits=True, limits_tiers={"free": "1000/hour"}) as processes:
        root, ada = await processes.sign_in(), await processes.sign_in("ada@example.com", ("user",))
        settings = (await processes.here.get(LIMITS, headers=root)).json()
        assert (settings["on"], settings["tiers"]["free"], settings["set_at"]) == (True, "1000/hour", None)
        await processes.here.put(LIMITS, json={"routes": {f"GET {BOOKS}": "2/hour"}}, headers=root)
        answers = [(await processes.here.get(BOOKS, headers=ada)).status_code for _ in range(3)]
        assert answers == [200, 200, 429]
        assert (await processes.here.get("/api/v1/authors", headers=ada)).status_code == 200
        off = await processes.here.put(LIMITS, json={"on": False}, headers=root)
        assert off.json()["on"] is False
        assert not await exhausted(processes.here, headers=ada)
        back = (await processes.here.delete(LIMITS, headers=root)).json()
        assert (back["on"], back["routes"]) == (True, settings["routes"])


@pytest.mark.parametrize(
    "body",
    [
        {"tiers": {"free": "lots"}},
        {"tiers": {"admin": "1/day"}},
        {"tiers": {"free": "0/hour"}},
        {"routes": {"books": "1/hour"}},
        {"routes": {"GET /books": None}},
        {"rate": "1/hour"},
    ],
)
async def test_a_bad_limit_is_refused_and_nothing_changes(sqlite_urls: Urls, body: dict[str, Any]) -> None:
    async with two_processes(sqlite_urls) as processes:
        root = await processes.sign_in()
        assert (await processes.here.put(LIMITS, json=body, headers=root)).status_code == 422
        assert (await processes.here.get(LIMITS, headers=root)).json()["on"] is False


async def test_a_tier_that_the_app_has_not_is_a_conflict_that_names_those_it_has(sqlite_urls: Urls) -> None:
    async with two_processes(sqlite_urls) as processes:
        root = await processes.sign_in()
        refused = await processes.here.put(LIMITS, json={"tiers": {"freee": "1/hour"}}, headers=root)
        assert (refused.status_code, refused.json()["code"]) == (409, "unknown_tier")
        assert "free, premium" in refused.json()["detail"]


async def test_only_operators_see_and_set_limits(sqlite_urls: Urls) -> None:
    async with two_processes(sqlite_urls, tenant_from="token") as processes:
        acme = await processes.app.rooms.tenancy.create("Acme")
        boss = await processes.sign_in("boss@example.com", ("admin",), tenant=acme.id)
        for method in ("GET", "PUT", "DELETE"):
            body = {"on": False} if method == "PUT" else None
            assert (await processes.here.request(method, LIMITS, json=body, headers=boss)).status_code == 403
            assert (await processes.here.request(method, LIMITS, json=body)).status_code == 401


async def test_they_outlive_a_restart(urls: Urls) -> None:
    async with two_processes(urls) as processes:
        await processes.app.rooms.live_limits.set(True, {"free": "1/hour"})
    async with two_processes(urls) as processes:
        answers = [(await processes.here.get(BOOKS)).status_code for _ in range(2)]
        assert answers == [200, 429]
