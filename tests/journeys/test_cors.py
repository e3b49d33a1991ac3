"""A6: CORS by default, by client and by tenant, on generated routes and the app's own."""

from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware

from mainstay import ConfigurationError, Settings, install
from tests.databases import Urls
from tests.journeys.shop import KEY, PASSWORD, Author, Book, settings_for, shop, signed_in_as, visiting
from tests.rooms.assembly.live import two_processes, within_a_second

SHOP, ADMIN, EVIL = "https://shop.example", "https://admin.example", "https://evil.example"
BOOKS = "/api/v1/books"


def preflight(origin: str, method: str = "PATCH") -> dict[str, str]:
    return {
        "Origin": origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "authorization,content-type,if-match",
    }


async def readable(client: httpx.AsyncClient, origin: str, path: str = BOOKS, **options: Any) -> bool:
    """Whether a page of this origin could read the answer."""
    headers = {**options.pop("headers", {}), "Origin": origin}
    answer = await client.get(path, headers=headers, **options)
    found = answer.headers.get_list("access-control-allow-origin")
    assert len(found) <= 1, found
    return found in ([origin], ["*"])


async def test_pages_of_the_settings_origins_read_generated_routes_problems_and_sign_in(urls: Urls) -> None:
    app = shop(urls, settings=settings_for(urls, cors={"origins": [SHOP], "credentials": True}))
    assert app.may_step_over()
    async with visiting(app) as client:
        asked = await client.options(f"{BOOKS}/1", headers=preflight(SHOP))
        assert asked.status_code == 204
        assert asked.headers["access-control-allow-origin"] == SHOP
        assert "allow" not in asked.headers
        headers = await signed_in_as(client)
        assert await readable(client, SHOP, headers=headers)
        assert await readable(client, SHOP, f"{BOOKS}/nothing")
        assert await readable(client, SHOP, headers={"Authorization": "Bearer nonsense"})
        assert await readable(client, SHOP, "/auth/me")
        assert await readable(client, SHOP, "/nowhere")
        assert not await readable(client, EVIL)
        listed = await client.get(BOOKS, headers={"Origin": SHOP})
        assert "ETag" in listed.headers["access-control-expose-headers"]
        assert listed.headers["access-control-allow-credentials"] == "true"
        vary = (await client.get(BOOKS)).headers.get_list("vary")
        assert sorted(vary) == ["Authorization, Cookie", "Origin"]


async def test_in_development_pages_of_this_machine_come_with_credentials_and_in_production_none(
    sqlite_urls: Urls,
) -> None:
    async with visiting(shop(sqlite_urls)) as client:
        answer = await client.options(BOOKS, headers=preflight("http://localhost:3000"))
        assert answer.headers["access-control-allow-origin"] == "http://localhost:3000"
        assert answer.headers["access-control-allow-credentials"] == "true"
        assert answer.headers["access-control-allow-headers"] == "authorization,content-type,if-match"
        assert not await readable(client, SHOP)
    async with visiting(shop(sqlite_urls, settings=settings_for(sqlite_urls, environment="production"))) as client:
        assert not await readable(client, "http://localhost:3000")
        assert "origin" not in (await client.get(BOOKS)).headers["vary"].lower()
    async with visiting(shop(sqlite_urls, settings=settings_for(sqlite_urls, cors={"origins": []}))) as client:
        assert not await readable(client, "http://localhost:3000")


async def test_each_client_has_rules_of_its_own(sqlite_urls: Urls) -> None:
    cors = {
        "origins": ["*"],
        "methods": ["GET"],
        "clients": {"admin": {"origins": [ADMIN], "credentials": True, "exposed": ["X-Total"]}},
    }
    async with visiting(shop(sqlite_urls, settings=settings_for(sqlite_urls, cors=cors))) as client:
        anyone = await client.options(BOOKS, headers=preflight(EVIL))
        assert anyone.headers["access-control-allow-origin"] == "*"
        assert anyone.headers["access-control-allow-methods"] == "GET"
        assert "access-control-allow-credentials" not in anyone.headers
        admin = await client.options(BOOKS, headers=preflight(ADMIN))
        assert "PATCH" in admin.headers["access-control-allow-methods"]
        assert admin.headers["access-control-allow-credentials"] == "true"
        listed = await client.get(BOOKS, headers={"Origin": ADMIN})
        assert listed.headers["access-control-expose-headers"] == "X-Total"


async def test_clients_are_set_while_the_app_runs_on_every_process(urls: Urls) -> None:
    given = {"clients": {"admin": {"origins": [ADMIN]}}, "origins": []}
    async with two_processes(urls, cors=given) as processes:
        root = await processes.sign_in()
        path = "/system/cors/clients/shop"
        assert not await readable(processes.there, SHOP)
        put = await processes.here.put(path, json={"origins": [SHOP], "credentials": True}, headers=root)
        assert (put.status_code, put.json()["origins"]) == (200, [SHOP])
        await within_a_second(lambda: readable(processes.there, SHOP))
        assert await readable(processes.here, SHOP)
        rules = (await processes.there.get("/system/cors", headers=root)).json()
        assert rules["default"] is None
        assert rules["clients"].keys() == {"admin", "shop"}
        assert (await processes.there.delete(path, headers=root)).status_code == 204
        assert not await readable(processes.there, SHOP)
        assert (await processes.there.delete(path, headers=root)).status_code == 404
        # What the settings say of a client comes back when what was set is taken away.
        path = "/system/cors/clients/admin"
        await processes.here.put(path, json={"origins": [SHOP]}, headers=root)
        assert not await readable(processes.here, ADMIN)
        await processes.here.delete(path, headers=root)
        assert await readable(processes.here, ADMIN)


async def test_a_tenant_s_origins_read_that_tenant_s_answers_and_no_other_s(urls: Urls) -> None:
    async with two_processes(urls, tenant_from="token", cors={"origins": []}) as processes:
        tenancy = processes.app.rooms.tenancy
        acme, zeta = await tenancy.create("Acme"), await tenancy.create("Zeta")
        boss = await processes.sign_in("boss@example.com", ("admin",), tenant=acme.id)
        other = await processes.sign_in("zoe@example.com", ("user",), tenant=zeta.id)
        rule = {"origins": [SHOP], "methods": ["GET", "PATCH"], "exposed": ["ETag"]}
        put = await processes.here.put("/system/cors/tenants/acme", json=rule, headers=boss)
        assert put.status_code == 200, put.text

        async def arrived() -> bool:
            return await readable(processes.there, SHOP, headers=boss)

        await within_a_second(arrived)
        for client in (processes.here, processes.there):
            asked = await client.options(BOOKS, headers=preflight(SHOP))
            assert asked.headers["access-control-allow-origin"] == SHOP
            assert asked.headers["access-control-allow-methods"] == "GET, PATCH"
            assert "access-control-allow-credentials" not in asked.headers
            assert await readable(client, SHOP, headers=boss)
            assert not await readable(client, SHOP, headers=other)
            assert not await readable(client, EVIL, headers=boss)
            # Before it is known which tenant it is for: a page must be able to sign in.
            body = {"email": "boss@example.com", "password": PASSWORD}
            signed_in = await client.post("/auth/sign-in", json=body, headers={"Origin": SHOP})
            assert signed_in.headers["access-control-allow-origin"] == SHOP
        assert (await processes.here.delete(f"/system/cors/tenants/{acme.id}", headers=boss)).status_code == 204
        assert not await readable(processes.here, SHOP, headers=boss)


async def test_who_may_change_a_tenant_s_origins(sqlite_urls: Urls) -> None:
    async with two_processes(sqlite_urls, tenant_from="token") as processes:
        tenancy = processes.app.rooms.tenancy
        acme, zeta = await tenancy.create("Acme"), await tenancy.create("Zeta")
        people = {
            "root": await processes.sign_in(),
            "boss": await processes.sign_in("boss@example.com", ("admin",), tenant=acme.id),
            "member": await processes.sign_in("ann@example.com", ("user",), tenant=acme.id),
            "stranger": {},
        }
        answers = {"root": (200, 200), "boss": (200, 404), "member": (403, 403), "stranger": (401, 401)}
        for who, expected in answers.items():
            found = [
                (
                    await processes.here.put(
                        f"/system/cors/tenants/{each}", json={"origins": [SHOP]}, headers=people[who]
                    )
                ).status_code
                for each in (acme.slug, zeta.slug)
            ]
            assert tuple(found) == expected, who
        assert (await processes.here.get("/system/cors/tenants/nosuch", headers=people["root"])).status_code == 404
        assert (await processes.here.get("/system/cors", headers=people["boss"])).status_code == 403
        refused = await processes.here.put("/system/cors/clients/a", json={"origins": [SHOP]}, headers=people["boss"])
        assert refused.status_code == 403


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({}, "origins"),
        ({"origins": []}, "origins"),
        ({"origins": ["*"]}, "origins"),
        ({"origins": ["null"]}, "origins"),
        ({"origins": [SHOP], "methods": ["BREW"]}, "methods"),
        ({"origins": [SHOP], "headers": ["a b"]}, "headers"),
        ({"origins": [SHOP], "exposed": ["*"], "credentials": True}, "exposed"),
        ({"origins": [SHOP], "credentials": "yes"}, "credentials"),
    ],
)
async def test_a_bad_rule_is_refused_with_the_place(sqlite_urls: Urls, body: dict[str, Any], place: str) -> None:
    async with two_processes(sqlite_urls) as processes:
        root = await processes.sign_in()
        refused = await processes.here.put("/system/cors/clients/shop", json=body, headers=root)
        assert refused.status_code == 422
        assert place in refused.json()["errors"][0]["loc"]


def test_what_would_let_every_page_act_as_anybody_refuses_to_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigurationError, match=r"every origin \(\*\) with credentials"):
        Settings(cors={"origins": ["*"], "credentials": True})
    with pytest.raises(ConfigurationError, match=r"every origin \(\*\) with credentials"):
        Settings(cors={"clients": {"shop": {"origins": ["*"], "credentials": True}}})
    with pytest.raises(ConfigurationError, match=r"http://shop\.example, whose pages anybody on the way can change"):
        Settings(
            environment="production", secret_key=KEY, cors={"origins": ["http://shop.example"], "credentials": True}
        )
    monkeypatch.setenv("MAINSTAY_CORS__ORIGINS", '["*"]')
    monkeypatch.setenv("MAINSTAY_CORS__CREDENTIALS", "true")
    with pytest.raises(ConfigurationError, match=r"every origin \(\*\) with credentials"):
        Settings()
    monkeypatch.setenv("MAINSTAY_CORS__CREDENTIALS", "false")
    assert Settings().cors.origins == ("*",)


async def test_a_cors_middleware_of_the_apps_own_is_the_only_one(sqlite_urls: Urls) -> None:
    app = shop(sqlite_urls)
    app.add_middleware(CORSMiddleware, allow_origins=["http://localhost:3000", SHOP])
    async with visiting(app) as client:
        assert await readable(client, SHOP)
        assert await readable(client, "http://localhost:3000")
        assert not await readable(client, "http://localhost:4000")
    both = shop(sqlite_urls, settings=settings_for(sqlite_urls, cors={"origins": [SHOP]}))
    both.add_middleware(CORSMiddleware, allow_origins=[SHOP])
    with pytest.raises(ConfigurationError, match="browsers refuse two answers"):
        async with both.running():
            pass


async def test_a_mounted_app_with_rules_of_its_own_keeps_them(sqlite_urls: Urls) -> None:
    below = FastAPI()
    below.add_middleware(CORSMiddleware, allow_origins=[ADMIN])

    @below.get("/hello")
    async def hello() -> str:
        return "hello"

    app = shop(sqlite_urls, settings=settings_for(sqlite_urls, cors={"origins": [SHOP]}))
    app.mount("/below", below)
    async with visiting(app) as client:
        assert await readable(client, ADMIN, "/below/hello")
        asked = await client.options("/below/hello", headers={"Origin": ADMIN, "Access-Control-Request-Method": "GET"})
        assert asked.headers["access-control-allow-origin"] == ADMIN
        assert not await readable(client, ADMIN)


async def test_an_app_that_was_there_gets_no_default(sqlite_urls: Urls) -> None:
    app = install(FastAPI(), resources=[Author, Book], settings=settings_for(sqlite_urls))
    async with visiting(app) as client:
        assert not await readable(client, "http://localhost:3000")
    chosen = settings_for(sqlite_urls, cors={"origins": [SHOP]})
    async with visiting(install(FastAPI(), resources=[Author, Book], settings=chosen)) as client:
        assert await readable(client, SHOP)
