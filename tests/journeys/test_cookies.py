"""B10: sessions in cookies, on generated routes, the user's own and Mainstay's; and what other sites' pages get."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from fastapi import Depends, WebSocket

from mainstay import Mainstay
from mainstay.base.context import current_caller
from mainstay.identity import current_user
from tests.databases import Urls
from tests.journeys.shop import PASSWORD, settings_for, shop
from tests.rooms.identity.clock import WoundClock

SITE = "https://shop.example"
ADA = {"email": "ada@example.com", "password": PASSWORD}
COOKIE, CSRF, DEVICE = "__Host-mainstay", "__Host-mainstay-csrf", "__Host-mainstay-device"
KINDS = [COOKIE, CSRF, DEVICE]
OWN = {"Origin": SITE, "Sec-Fetch-Site": "same-origin"}
AUTHOR = {"name": "Ada"}


def made(urls: Urls, clock: WoundClock | None = None, **chosen: Any) -> Mainstay:
    given = {"environment": "production", "public_url": SITE, "accounts": {"verified": False}, **chosen}
    app = shop(urls, settings=settings_for(urls, **given), clock=clock)

    @app.post("/mine", dependencies=[Depends(current_user)])
    async def mine() -> str:
        return "done"

    @app.post("/public")
    async def public() -> str:
        caller = current_caller()
        return "nobody" if caller is None or not caller.actor.signed_in else "somebody"

    @app.websocket("/socket")
    async def socket(websocket: WebSocket) -> None:
        await websocket.accept()
        caller = current_caller()
        await websocket.send_text("nobody" if caller is None else str(caller.actor.signed_in))
        await websocket.close()

    return app


def browser(app: Mainstay, site: str = SITE) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=site)


@asynccontextmanager
async def page(app: Mainstay, **wishes: Any) -> AsyncIterator[tuple[httpx.AsyncClient, str]]:
    """A browser that signed in for cookies, and its CSRF token."""
    async with app.running(), browser(app) as client:
        if await app.rooms.identity.find_user(ADA["email"]) is None:
            await app.rooms.identity.create_user(ADA["email"], PASSWORD)
        yield client, await enter(client, **wishes)


async def enter(client: httpx.AsyncClient, **wishes: Any) -> str:
    answer = await client.post("/auth/sign-in", json=ADA | {"mode": "cookie"} | wishes, headers=OWN)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["csrf_token"])


def named(cookie: str) -> str:
    return cookie.partition("=")[0]


def with_token(token: str, **more: str) -> dict[str, str]:
    return {**OWN, "X-CSRF-Token": token, **more}


async def test_a_page_is_signed_in_by_a_cookie_that_no_script_can_read(urls: Urls) -> None:
    async with page(made(urls)) as (client, token):
        answer = await client.post("/auth/sign-in", json=ADA | {"mode": "cookie"}, headers=OWN)
        assert set(answer.json()) == {"csrf_token", "expires_in", "scope"}
        session, csrf, device = sorted(answer.headers.get_list("set-cookie"), key=lambda each: KINDS.index(named(each)))
        assert "; HttpOnly" in device
        assert "; Path=/; Max-Age=7776000; Secure" in device
        assert session.startswith(f"{COOKIE}=mst_")
        assert session.endswith("; Path=/; Secure; HttpOnly; SameSite=Lax")
        assert csrf.startswith(f"{CSRF}={answer.json()['csrf_token']}; Path=/; Secure; SameSite=Strict")
        assert "Max-Age" not in session + csrf
        assert "HttpOnly" not in csrf
        assert token != answer.json()["csrf_token"], "each session has its own"
        me = await client.get("/auth/me")
        assert (me.status_code, me.json()["email"]) == (200, ADA["email"])
        assert (await client.get("/auth/csrf")).json() == {"csrf_token": answer.json()["csrf_token"]}
        for _ in range(2):
            assert (await client.get("/api/v1/authors")).headers["cache-control"] == "private, no-cache"


UNSAFE = [("POST", "/api/v1/authors", AUTHOR), ("POST", "/mine", None), ("PATCH", "/auth/me", {"display_name": "A"})]


@pytest.mark.parametrize(("method", "path", "body"), UNSAFE, ids=["generated", "the user's own", "Mainstay's"])
async def test_what_changes_something_needs_the_token_and_a_page_of_ours(
    sqlite_urls: Urls, method: str, path: str, body: Any
) -> None:
    async with page(made(sqlite_urls)) as (client, token):
        other = await enter(client)
        stale, token = token, other

        async def status(headers: dict[str, str]) -> tuple[int, str]:
            answer = await client.request(method, path, json=body, headers=headers)
            return answer.status_code, "" if answer.is_success else answer.json()["code"]

        refused = (403, "csrf_failed")
        assert await status(OWN) == refused
        assert await status(with_token(stale)) == refused, "the token of another session of the same user"
        assert await status(with_token(token[:-1] + ("A" if token[-1] != "A" else "B"))) == refused
        assert await status(with_token("x" * 3000)) == refused
        foreign = {"X-CSRF-Token": token}
        for sent in (
            {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"},
            {"Origin": "https://evil.example"},
            {"Origin": "https://evil.shop.example", "Sec-Fetch-Site": "same-site"},
            {"Origin": "https://shop.example.evil.example"},
            {"Origin": "https://shop.example:8443"},
            {"Origin": "null"},
            {"Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": "same-site"},
            {"Origin": SITE, "Sec-Fetch-Site": "cross-site"},
        ):
            assert await status(foreign | sent) == refused, sent
        assert (await status(with_token(token)))[0] in (200, 201)
        assert (await status({"X-CSRF-Token": token}))[0] in (200, 201), "a program that sends no Origin"


async def test_a_public_route_runs_without_the_caller_whom_another_site_sent(sqlite_urls: Urls) -> None:
    async with page(made(sqlite_urls)) as (client, token):
        assert (await client.post("/public", headers=with_token(token))).json() == "somebody"
        assert (await client.post("/public", headers={"Origin": "https://evil.example"})).json() == "nobody"


async def test_bearer_and_cookie_are_never_confused(sqlite_urls: Urls) -> None:
    app = made(sqlite_urls)
    async with page(app) as (client, token):
        cookie = client.cookies[COOKIE]
        tokens = (await client.post("/auth/sign-in", json=ADA)).json()
        bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
        # Both: the bearer token is the proof, and needs no other.
        assert (await client.post("/mine", headers=bearer | {"Origin": "https://evil.example"})).status_code == 200
        assert (await client.get("/auth/me", headers={"Authorization": "Bearer nonsense"})).status_code == 401
        async with browser(app) as bare:
            for proof in (cookie, f"cookie{cookie}", tokens["refresh_token"], token):
                refused = await bare.get("/auth/me", headers={"Authorization": f"Bearer {proof}"})
                assert refused.status_code == 401, proof
            for value in (tokens["access_token"], tokens["refresh_token"], "mst_" + tokens["refresh_token"][4:], ""):
                sent = {"Cookie": f"{COOKIE}={value}"}
                for path in ("/auth/me", "/api/v1/authors"):
                    assert (await bare.get(path, headers=sent)).status_code == 401, value
            assert (await bare.post("/auth/refresh", json={"refresh_token": cookie})).status_code == 401
            twice = {"Cookie": f"{COOKIE}={cookie}; {COOKIE}={cookie}"}
            assert (await bare.get("/auth/me", headers=twice)).json()["code"] == "two_cookies"
            among = {"Cookie": f"a=b; x{COOKIE}=no; {COOKIE}={cookie}; c={COOKIE}"}
            assert (await bare.get("/auth/me", headers=among)).status_code == 200


async def test_a_visitor_cannot_be_signed_in_by_another_site(sqlite_urls: Urls) -> None:
    async with page(made(sqlite_urls)) as (client, _):
        for sent in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
            answer = await client.post("/auth/sign-in", json=ADA | {"mode": "cookie"}, headers=sent)
            assert (answer.status_code, answer.headers.get_list("set-cookie")) == (403, [])


async def test_a_cookie_is_exchanged_for_the_next_and_an_old_one_ends_the_session(urls: Urls) -> None:
    clock = WoundClock()
    app = made(urls, clock)
    async with page(app) as (client, token):
        first = client.cookies[COOKIE]
        assert (await client.post("/auth/refresh", headers=OWN)).json()["code"] == "csrf_failed"
        assert (await client.post("/auth/refresh", headers=with_token(token))).status_code == 200
        second = client.cookies[COOKIE]
        assert first != second
        assert (await client.get("/auth/me")).status_code == 200
        await app.rooms.identity.revocations.poll()
        await app.rooms.identity._room.sightings.flush()
        async with browser(app) as thief:
            stolen = {"Cookie": f"{COOKIE}={first}"}
            assert (await thief.get("/auth/me", headers=stolen)).status_code == 200, "another tab, a moment later"
            clock.advance(31)
            assert (await thief.get("/auth/me", headers=stolen)).json()["code"] == "session_ended"
        assert (await client.get("/auth/me")).status_code == 401


async def test_signing_out_removes_the_cookies_also_of_a_session_that_has_ended(sqlite_urls: Urls) -> None:
    app = made(sqlite_urls)
    async with page(app) as (client, token):
        kept = client.cookies[COOKIE]
        assert (await client.post("/auth/sign-out", headers=OWN)).status_code == 403
        answer = await client.post("/auth/sign-out", headers=with_token(token))
        assert answer.status_code == 204
        assert all("Max-Age=0" in each for each in answer.headers.get_list("set-cookie"))
        assert set(client.cookies) == {DEVICE}, "a browser is known after somebody has left"
        client.cookies.set(COOKIE, kept, domain="shop.example")
        assert (await client.get("/auth/me")).status_code == 401
        assert (await client.post("/auth/sign-out", headers=OWN)).status_code == 204
        assert set(client.cookies) == {DEVICE}
        assert (await client.post("/auth/sign-out", headers=OWN)).status_code == 401


async def test_a_session_that_is_not_remembered_ends_with_the_browser_and_soon(sqlite_urls: Urls) -> None:
    clock = WoundClock()
    async with page(made(sqlite_urls, clock, sessions={"unremembered_minutes": 60})) as (client, _):
        for _ in range(3):  # in use: it goes on
            clock.advance(50 * 60)
            assert (await client.get("/auth/me")).status_code == 200
            await client_app(client).rooms.identity._room.sightings.flush()
        clock.advance(61 * 60)
        assert (await client.get("/auth/me")).json()["code"] == "session_ended"
        answer = await client.post("/auth/sign-in", json=ADA | {"mode": "cookie", "remember": True}, headers=OWN)
        lasting = [each for each in answer.headers.get_list("set-cookie") if named(each) != DEVICE]
        assert len(lasting) == 2
        assert all(f"Max-Age={180 * 86_400}" in each for each in lasting)


def client_app(client: httpx.AsyncClient) -> Mainstay:
    app: Mainstay = client._transport.app  # type: ignore[attr-defined]  # httpx's own name for it
    return app


async def test_sessions_are_listed_with_device_and_place_and_one_is_ended_everywhere(urls: Urls) -> None:
    here, there = made(urls), made(urls)
    async with page(here) as (client, token), there.running(), browser(there) as elsewhere:
        here.rooms.identity.place_of = lambda address: "Oslo, Norway"
        agent = {"User-Agent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"}
        await elsewhere.post("/auth/sign-in", json=ADA | {"mode": "cookie"}, headers=OWN | agent)
        assert (await elsewhere.get("/auth/me")).status_code == 200
        found = (await client.get("/auth/sessions")).json()["items"]
        other = next(each for each in found if not each["current"])
        assert (other["device"], other["place"], other["kind"], other["methods"]) == (
            "Firefox on Windows", "Oslo, Norway", "cookie", ["pwd"],
        )  # fmt: skip
        path = f"/auth/sessions/{other['id']}"
        assert (await client.delete(path, headers=OWN)).status_code == 403
        assert (await client.delete(path, headers=with_token(token))).status_code == 204
        await there.rooms.identity.revocations.poll()
        assert (await elsewhere.get("/auth/me")).status_code == 401
        assert (await client.delete(path, headers=with_token(token))).status_code == 404
        await here.rooms.identity.create_user("bob@example.com", PASSWORD)
        bob = (await client.post("/auth/sign-in", json=ADA | {"email": "bob@example.com"})).json()["access_token"]
        mine = next(each["id"] for each in found if each["current"])
        refused = await client.delete(f"/auth/sessions/{mine}", headers={"Authorization": f"Bearer {bob}"})
        assert refused.status_code == 404, "somebody else's"
        assert (await client.post("/auth/logout-all", headers=with_token(token))).json() == {"count": 1}


async def test_a_developers_machine_has_plain_cookies_and_nothing_else_has(sqlite_urls: Urls) -> None:
    app = shop(sqlite_urls)
    async with app.running(), browser(app, "http://localhost:8000") as client:
        await app.rooms.identity.create_user(ADA["email"], PASSWORD)
        local = {"Origin": "http://localhost:8000", "Sec-Fetch-Site": "same-origin"}
        answer = await client.post("/auth/sign-in", json=ADA | {"mode": "cookie"}, headers=local)
        assert "Secure" not in str(answer.headers.get_list("set-cookie"))
        assert (await client.get("/auth/me")).status_code == 200
        renamed = f"{COOKIE}={client.cookies['mainstay']}"
        client.cookies.clear()
        assert (await client.get("/auth/me", headers={"Cookie": renamed})).status_code == 401
    for environment in ("staging", "production"):
        strict = shop(sqlite_urls, settings=settings_for(sqlite_urls, environment=environment, sign_up=False))
        assert strict.rooms.identity.browsers.session_cookie.sent_as == COOKIE


@pytest.mark.parametrize(
    ("origin", "heard"), [(SITE, "True"), ("https://evil.example", "nobody"), (None, "nobody"), ("null", "nobody")]
)
async def test_a_socket_that_another_site_opens_speaks_for_nobody(
    sqlite_urls: Urls, origin: str | None, heard: str
) -> None:
    app = made(sqlite_urls)
    async with page(app) as (client, _):
        told: list[Any] = []

        async def send(message: Any) -> None:
            told.append(message)

        async def receive() -> Any:
            return {"type": "websocket.connect"}

        headers = [(b"host", b"shop.example"), (b"cookie", f"{COOKIE}={client.cookies[COOKIE]}".encode())]
        headers += [] if origin is None else [(b"origin", origin.encode())]
        scope = {"type": "websocket", "path": "/socket", "headers": headers, "scheme": "wss", "query_string": b""}
        await app({**scope, "subprotocols": [], "extensions": {}}, receive, send)
        assert [message.get("text") for message in told if message["type"] == "websocket.send"] == [heard]
