"""A5: maintenance is switched while the app runs, on every process within a second, and administrators pass."""

import asyncio
import time

import pyotp
from fastapi import APIRouter

from mainstay import Mainstay
from tests.databases import Urls
from tests.journeys.shop import PASSWORD, settings_for, shop, signed_in_as, visiting
from tests.rooms.assembly.live import ADMIN, Processes, two_processes, within_a_second

SWITCH = "/system/maintenance"
BOOKS = "/api/v1/books"


async def test_everybody_but_administrators_is_turned_away_on_every_process_within_a_second(urls: Urls) -> None:
    async with two_processes(urls) as processes:
        root, ada = await processes.sign_in(), await processes.sign_in("ada@example.com", ("user",))
        on = await processes.here.put(
            SWITCH, json={"on": True, "message": "Back at noon", "retry_after": 60}, headers=root
        )
        assert (on.status_code, on.json()["on"]) == (200, True)

        async def closed_there() -> bool:
            return (await processes.there.get(BOOKS, headers=ada)).status_code == 503

        await within_a_second(closed_there)
        for client in (processes.here, processes.there):
            refused = await client.get(BOOKS, headers=ada)
            assert (refused.status_code, refused.json()["code"]) == (503, "maintenance")
            assert refused.json()["detail"] == "Back at noon"
            assert refused.headers["retry-after"] == "60"
            assert refused.headers["content-type"] == "application/problem+json"
            assert (await client.get(BOOKS)).status_code == 503
            assert (await client.get(BOOKS, headers=root)).status_code == 200
        off = await processes.there.put(SWITCH, json={"on": False}, headers=root)
        assert off.json() == {"on": False, "message": None, "retry_after": None, "changed_at": None, "changed_by": None}

        async def open_here() -> bool:
            return (await processes.here.get(BOOKS, headers=ada)).status_code == 200

        await within_a_second(open_here)


async def test_health_sign_in_and_the_keys_stay_within_reach(sqlite_urls: Urls) -> None:
    app = shop(sqlite_urls)
    async with visiting(app) as client:
        await signed_in_as(client)
        await app.rooms.maintenance.begin()
        assert (await client.get("/api/v1/books")).status_code == 503
        for path in ("/livez", "/readyz", "/health", "/health/database", "/.well-known/jwks.json"):
            assert (await client.get(path)).status_code == 200, path
        headers = await signed_in_as(client)
        assert (await client.get("/auth/me", headers=headers)).status_code == 200
        answer = await client.post("/auth/sign-up", json={"email": "new@example.com", "password": "correct horse"})
        assert answer.status_code == 503
        for path in ("/docs", "/", "/openapi.json", "/healthy", "/auth/sign-in/", "/auth/sign-up", "/nowhere"):
            assert (await client.get(path, headers=headers)).status_code == 503, path


async def test_an_administrator_with_a_second_factor_signs_in_and_passes(sqlite_urls: Urls) -> None:
    async with two_processes(sqlite_urls) as processes:
        root, client = await processes.sign_in(), processes.here
        begun = (await client.post("/auth/factors/totp", headers=root)).json()
        telephone = pyotp.TOTP(begun["secret"])
        code = telephone.at(time.time() - 30)
        assert (await client.post("/auth/factors/totp/confirm", json={"code": code}, headers=root)).status_code == 200
        await processes.app.rooms.maintenance.begin()
        first = await client.post("/auth/sign-in", json={"email": ADMIN, "password": PASSWORD})
        assert first.json()["code"] == "second_factor_required"
        second = {"ticket": first.json()["ticket"], "code": telephone.now()}
        tokens = (await client.post("/auth/sign-in/factor", json=second)).json()
        answer = await client.get(BOOKS, headers={"Authorization": f"Bearer {tokens['access_token']}"})
        assert answer.status_code == 200
        assert (await client.get("/account/sign-in")).status_code == 200
        for path in ("/auth/federation", "/auth/federation/nobody/start", "/auth/federation/nobody/callback"):
            assert (await client.get(path)).json()["code"] != "maintenance", path
        for path in ("/account", "/account/sign-up", "/auth/federation/links"):
            assert (await client.get(path)).status_code == 503, path


async def test_the_apps_own_routes_are_closed_too_and_a_token_that_does_not_hold_opens_nothing(
    sqlite_urls: Urls,
) -> None:
    app, router = shop(sqlite_urls), APIRouter()

    @router.get("/mine")
    async def mine() -> str:
        return "open"

    app.include_router(router)
    async with visiting(app) as client:
        assert (await client.get("/mine")).json() == "open"
        await app.rooms.maintenance.begin()
        for headers in ({}, {"Authorization": "Bearer nonsense"}):
            assert (await client.get("/mine", headers=headers)).status_code == 503
        await app.rooms.maintenance.end()
        assert (await client.get("/mine")).json() == "open"


async def test_who_may_switch(urls: Urls) -> None:
    async with two_processes(urls) as processes:
        system = await processes.sign_in("system@example.com", ("system",))
        narrowed = await processes.sign_in(scopes=["system:read", "system:write"])
        cases = [
            ({}, 401, "sign_in_required"),
            (await processes.sign_in("ada@example.com", ("user",)), 403, "insufficient_scope"),
            (system, 403, "insufficient_scope"),
            (narrowed, 403, "insufficient_scope"),
        ]
        for headers, status, code in cases:
            refused = await processes.here.put(SWITCH, json={"on": True}, headers=headers)
            assert (refused.status_code, refused.json()["code"]) == (status, code)
        assert (await processes.here.get(SWITCH, headers=system)).json()["on"] is False
        assert (await processes.here.get(SWITCH)).status_code == 401


async def test_an_administrator_of_a_customers_tenant_neither_switches_nor_passes(urls: Urls) -> None:
    async with two_processes(urls, tenant_from="token") as processes:
        acme = await processes.app.rooms.tenancy.create("Acme")
        theirs = await processes.sign_in("boss@example.com", ("admin",), tenant=acme.id)
        root = await processes.sign_in()
        refused = await processes.here.put(SWITCH, json={"on": True}, headers=theirs)
        assert (refused.status_code, refused.json()["code"]) == (403, "not_an_operator")
        assert (await processes.here.put(SWITCH, json={"on": True}, headers=root)).status_code == 200
        assert (await processes.here.get(BOOKS, headers=theirs)).status_code == 503
        assert (await processes.here.get(BOOKS, headers=root)).status_code == 200


async def test_a_session_of_an_administrator_with_fewer_scopes_does_not_pass(sqlite_urls: Urls) -> None:
    async with two_processes(sqlite_urls) as processes:
        narrowed = await processes.sign_in(scopes=["books:read", "authors:read"])
        await processes.app.rooms.maintenance.begin()
        assert (await processes.here.get(BOOKS, headers=narrowed)).status_code == 503


async def test_it_says_since_when_and_by_whom(urls: Urls) -> None:
    async with two_processes(urls) as processes:
        root = await processes.sign_in()
        me = (await processes.here.get("/auth/me", headers=root)).json()["id"]
        await processes.here.put(SWITCH, json={"on": True}, headers=root)
        found = (await processes.here.get(SWITCH, headers=root)).json()
        assert found["changed_by"] == me
        assert found["changed_at"].endswith("Z")
        await processes.app.rooms.maintenance.begin("From the command line")
        assert (await processes.here.get(SWITCH, headers=root)).json()["changed_by"] is None


async def test_bad_switches_are_refused_with_the_place(sqlite_urls: Urls) -> None:
    async with two_processes(sqlite_urls) as processes:
        root = await processes.sign_in()
        for body, place in (
            ({}, "on"),
            ({"on": "yes"}, "on"),
            ({"on": True, "retry_after": 0}, "retry_after"),
            ({"on": True, "message": ""}, "message"),
            ({"on": True, "until": "noon"}, "until"),
        ):
            refused = await processes.here.put(SWITCH, json=body, headers=root)
            assert refused.status_code == 422, body
            assert refused.json()["errors"][0]["loc"][-1] == place
        unread = await processes.here.put(SWITCH, content=b"on=1", headers={**root, "Content-Type": "text/plain"})
        assert unread.status_code == 415


async def test_it_outlives_a_restart(urls: Urls) -> None:
    app = shop(urls)
    async with visiting(app):
        await app.rooms.maintenance.begin()
    again = Mainstay(settings=settings_for(urls))
    async with visiting(again) as client:
        assert (await client.get("/nowhere")).status_code == 503


async def test_changes_made_at_once_all_arrive_and_in_one_order(urls: Urls) -> None:
    async with two_processes(urls) as processes:
        await _race(processes)


async def _race(processes: Processes) -> None:
    one, two = processes.app.rooms.live, processes.other_app.rooms.live
    await asyncio.gather(*(live.put(f"test/{n}", {"n": n}, None) for n in range(20) for live in (one, two)))
    await asyncio.gather(*(live.put("test/same", {"by": name}, None) for name, live in (("one", one), ("two", two))))
    await one.poll()
    await two.poll()
    assert one.named("test").keys() == two.named("test").keys() == {*(str(n) for n in range(20)), "same"}
    assert one.get("test/same") == two.get("test/same")


async def test_a_value_that_cannot_be_used_leaves_what_held_and_the_next_is_heard(sqlite_urls: Urls) -> None:
    async with two_processes(sqlite_urls) as processes:
        maintenance = processes.app.rooms.maintenance
        await maintenance.begin("First")
        await processes.app.rooms.live.put("maintenance", {"of": "a newer version"}, None)
        assert maintenance.downtime is not None
        assert maintenance.downtime.message == "First"
        await maintenance.end()
        assert maintenance.downtime is None
