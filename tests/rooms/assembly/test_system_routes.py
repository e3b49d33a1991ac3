"""What an app serves beside its own and the generated routes."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import yaml
from openapi_spec_validator import validate

from mainstay import ConfigurationError, Mainstay
from tests.databases import Urls
from tests.journeys.shop import KEY, PASSWORD, settings_for, shop, visiting


class Hands:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def monotonic(self) -> float:
        return datetime.now(UTC).timestamp() + self.ahead.total_seconds()


async def test_the_index_is_a_page_for_browsers_and_json_for_programs(sqlite_urls: Urls) -> None:
    async with visiting(shop(sqlite_urls, title="Shop <b>")) as client:
        document = (await client.get("/", headers={"Accept": "application/json"})).json()
        assert document["resources"] == {"authors": "/api/v1/authors", "books": "/api/v1/books"}
        for url in [*document["links"].values(), *document["resources"].values()]:
            assert (await client.get(url)).status_code == 200, url
        page = await client.get("/", headers={"Accept": "text/html"})
        assert page.headers["content-type"].startswith("text/html")
        assert "Shop &lt;b&gt;" in page.text
        assert "Shop <b>" not in page.text
        assert "/docs" in page.text
        block = re.search(r'id="site">(.*?)</script>', page.text)
        assert block is not None
        listed = json.loads(block[1])["resources"]
        assert [each["name"] for each in listed] == ["authors", "books"]
        assert "title" in [field["name"] for field in listed[1]["fields"]]
        assert "https://" not in page.text


async def test_liveness_touches_nothing_and_health_names_each_part(urls: Urls) -> None:
    app = shop(urls)
    async with visiting(app) as client:
        for path in ("/livez", "/readyz", "/health", "/health/database"):
            answer = await client.get(path)
            assert answer.status_code == 200, path
            assert answer.json()["status"] == "ok"
        assert (await client.get("/health")).json()["components"]["database"]["milliseconds"] >= 0
        unknown = await client.get("/health/weather")
        assert unknown.status_code == 404
        assert unknown.headers["content-type"] == "application/problem+json"


async def test_a_part_that_is_down_is_503_everywhere_but_at_livez(
    sqlite_urls: Urls, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = shop(sqlite_urls)

    async def away() -> None:
        raise OSError("/secret/path")

    async with visiting(app) as client:
        monkeypatch.setattr(app.rooms, "probes", lambda: {"database": away})
        assert (await client.get("/livez")).status_code == 200
        for path in ("/readyz", "/health", "/health/database"):
            answer = await client.get(path)
            assert answer.status_code == 503, path
            assert "secret" not in answer.text
        assert (await client.get("/readyz")).headers["retry-after"]


async def test_the_document_holds_own_and_generated_operations_and_is_valid(sqlite_urls: Urls) -> None:
    app = shop(
        sqlite_urls,
        title="Shop",
        version="2.1",
        summary="Books",
        description="All of them.",
        contact={"name": "Ada", "email": "ada@example.com"},
        license_info={"name": "MIT", "identifier": "MIT"},
        servers=[{"url": "https://shop.example"}],
        openapi_tags=[{"name": "books", "externalDocs": {"url": "https://shop.example/books"}}],
        logo={"url": "https://shop.example/logo.png"},
        openapi_extensions={"x-team": "catalogue"},
    )

    @app.get("/own/{number}", openapi_extra={"x-own": 1}, deprecated=True)
    async def own(number: int) -> int:
        return number

    async with visiting(app) as client:
        answer = await client.get("/openapi.json")
        document = answer.json()
        validate(document)
        assert document["openapi"].startswith("3.1")
        info = document["info"]
        assert (info["title"], info["version"], info["contact"]["name"]) == ("Shop", "2.1", "Ada")
        assert info["license"]["identifier"] == "MIT"
        assert info["x-logo"] == {"url": "https://shop.example/logo.png"}
        assert document["x-team"] == "catalogue"
        assert document["servers"] == [{"url": "https://shop.example"}]
        assert next(tag for tag in document["tags"] if tag["name"] == "books")["externalDocs"]
        assert {"/own/{number}", "/api/v1/books", "/auth/sign-in", "/livez"} <= document["paths"].keys()
        operation = document["paths"]["/own/{number}"]["get"]
        assert operation["deprecated"] is True
        assert operation["x-own"] == 1
        assert "application/problem+json" in operation["responses"]["422"]["content"]
        assert "books:read" in document["components"]["securitySchemes"]["Mainstay"]["flows"]["password"]["scopes"]
        as_yaml = await client.get("/openapi.yaml")
        assert as_yaml.headers["content-type"] == "application/yaml"
        assert yaml.safe_load(as_yaml.text) == document


async def test_an_app_behind_a_path_prefix_says_so_in_pages_and_document(sqlite_urls: Urls) -> None:
    app = shop(sqlite_urls)
    async with app.running():
        transport = httpx.ASGITransport(app, root_path="/shop")
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            assert (await client.get("/openapi.json")).json()["servers"][0]["url"] == "/shop"
            page = (await client.get("/docs")).text
            assert "/shop/openapi.json" in page
            assert "/shop/docs-assets/" in page


async def test_docs_and_document_can_be_switched_off(sqlite_urls: Urls) -> None:
    async with visiting(shop(sqlite_urls, settings=settings_for(sqlite_urls, docs=False))) as client:
        assert (await client.get("/docs")).status_code == 404
        assert (await client.get("/openapi.json")).status_code == 200
    async with visiting(shop(sqlite_urls, openapi_url=None)) as client:
        assert (await client.get("/docs")).status_code == 404
        assert (await client.get("/openapi.json")).status_code == 404
        assert (await client.get("/api/v1/books")).status_code == 200


def test_debug_outside_development_refuses_to_start(sqlite_urls: Urls) -> None:
    with pytest.raises(ConfigurationError, match="debug"):
        Mainstay(debug=True, settings=settings_for(sqlite_urls, environment="production"))


async def test_the_first_administrators_link_works_once(urls: Urls) -> None:
    app = shop(urls)
    async with visiting(app) as client:
        link = await app.rooms.first_admin.link("http://test")
        assert link is not None
        page, _, token = link.partition("#")
        assert (await client.get(page)).status_code == 200
        body = {"token": token, "email": "root@example.com", "password": PASSWORD}
        weak = await client.post("/first-admin", json={**body, "password": "short"})
        assert weak.status_code == 422
        assert (await client.post("/first-admin", json=body)).status_code == 201
        again = await client.post("/first-admin", json={**body, "email": "second@example.com"})
        assert again.status_code == 409
        assert (await client.get(page)).status_code == 404
        assert await app.rooms.first_admin.link("http://test") is None
        tokens = await client.post("/auth/sign-in", json={"email": "root@example.com", "password": PASSWORD})
        me = await client.get("/auth/me", headers={"Authorization": f"Bearer {tokens.json()['access_token']}"})
        assert "admin" in me.json()["roles"]


@pytest.mark.parametrize("token", ["", "x", "1.x", "99999999999.AAAA", "9" * 40, "1.\ud800"])
async def test_a_forged_link_creates_nobody(sqlite_urls: Urls, token: str) -> None:
    app = shop(sqlite_urls)
    async with visiting(app) as client:
        body = json.dumps({"token": token, "email": "root@example.com", "password": PASSWORD})
        answer = await client.post("/first-admin", content=body, headers={"content-type": "application/json"})
        assert answer.status_code in (400, 403, 422)
        assert await app.rooms.first_admin.needed()


async def test_a_link_older_than_thirty_minutes_creates_nobody(sqlite_urls: Urls) -> None:
    clock = Hands()
    app = shop(sqlite_urls, clock=clock)
    async with visiting(app) as client:
        link = await app.rooms.first_admin.link("http://test")
        assert link is not None
        clock.ahead = timedelta(minutes=31)
        body: dict[str, Any] = {"token": link.partition("#")[2], "email": "root@example.com", "password": PASSWORD}
        answer = await client.post("/first-admin", json=body)
        assert answer.status_code == 403
        assert await app.rooms.first_admin.needed()


async def test_a_link_is_good_in_every_worker_that_shares_the_secret(sqlite_urls: Urls) -> None:
    first, second = shop(sqlite_urls), shop(sqlite_urls)
    async with visiting(first), visiting(second) as client:
        link = await first.rooms.first_admin.link("http://test")
        assert link is not None
        body = {"token": link.partition("#")[2], "email": "root@example.com", "password": PASSWORD}
        assert (await client.post("/first-admin", json=body)).status_code == 201
        assert KEY not in link


async def test_two_workers_share_keys_and_sessions_through_the_database(urls: Urls) -> None:
    first, second = shop(urls), shop(urls)
    async with visiting(first) as one, visiting(second) as two:
        await one.post("/auth/sign-up", json={"email": "ada@example.com", "password": PASSWORD})
        tokens = await one.post("/auth/sign-in", json={"email": "ada@example.com", "password": PASSWORD})
        headers = {"Authorization": f"Bearer {tokens.json()['access_token']}"}
        for client in (one, two):
            assert (await client.get("/auth/me", headers=headers)).status_code == 200
    async with visiting(shop(urls)) as restarted:
        assert (await restarted.get("/auth/me", headers=headers)).status_code == 200
