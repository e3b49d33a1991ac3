"""The edge of an app: hosts, https behind proxies, and the headers that make browsers careful."""

import re
from collections.abc import Mapping
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse
from starlette.routing import Route

from mainstay.base.client_address import ClientAddress
from mainstay.base.errors import ConfigurationError
from mainstay.web import AccessLog, Spine
from mainstay.web.headers import Edge, EdgeOptions, HeaderOptions, nonce_of


def page(request: Request) -> HTMLResponse:
    return HTMLResponse(f'<script nonce="{nonce_of(request.scope)}">1</script>')


def own(request: Request) -> PlainTextResponse:
    return PlainTextResponse("mine", headers={"content-security-policy": "default-src 'self'", "x-frame-options": "A"})


def plain(request: Request) -> PlainTextResponse:
    return PlainTextResponse(request.url.scheme)


def broken(request: Request) -> PlainTextResponse:
    raise RuntimeError


ROUTES = [
    Route("/page", page),
    Route("/own", own),
    Route("/plain", plain, methods=["GET", "POST"]),
    Route("/livez", plain),
    Route("/broken", broken),
]


def client(
    options: EdgeOptions | None = None, headers: HeaderOptions | None = None, proxies: tuple[str, ...] = ()
) -> httpx.AsyncClient:
    edge = Edge(headers, options, ClientAddress(proxies).trusts)
    app = Spine(Starlette(routes=ROUTES), AccessLog("off"), edge=edge)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=("10.0.0.1", 1))
    return httpx.AsyncClient(transport=transport, base_url="http://shop.example")


async def get(path: str, sent: Mapping[str, str] | None = None, method: str = "GET", **made: Any) -> httpx.Response:
    async with client(**made) as outside:
        return await outside.request(method, path, headers=dict(sent or {}))


async def test_every_answer_is_told_to_be_careful_with_once() -> None:
    for path in ("/plain", "/nowhere", "/broken"):
        answer = await get(path)
        assert answer.headers["content-security-policy"] == "frame-ancestors 'none'"
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert "camera=()" in answer.headers["permissions-policy"]
        assert answer.headers.get_list("x-content-type-options") == ["nosniff"]
        assert "strict-transport-security" not in answer.headers


async def test_what_an_answer_says_itself_stands() -> None:
    answer = await get("/own")
    assert answer.headers.get_list("content-security-policy") == ["default-src 'self'"]
    assert answer.headers.get_list("x-frame-options") == ["A"]


async def test_a_page_has_a_nonce_of_its_own_each_time() -> None:
    one, two = await get("/page"), await get("/page")
    nonces = []
    for answer in (one, two):
        (nonce,) = re.findall(r'nonce="([A-Za-z0-9+/]{24})"', answer.text)
        assert f"script-src 'nonce-{nonce}'" in answer.headers["content-security-policy"]
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        nonces.append(nonce)
    assert nonces[0] != nonces[1]


async def test_strict_transport_is_said_where_it_is_wanted() -> None:
    answer = await get("/plain", headers=HeaderOptions(hsts=300, hsts_subdomains=True))
    assert answer.headers["strict-transport-security"] == "max-age=300; includeSubDomains"


HOSTS = EdgeOptions(hosts=("shop.example", "*.eu.shop.example", "[::1]"))


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("shop.example", 200), ("SHOP.example:8443", 200), ("a.eu.shop.example", 200), ("[::1]:8000", 200),
        ("evil.example", 400), ("eu.shop.example", 400), ("shop.example.evil.example", 400), ("xshop.example", 400),
        ("shop.example@evil.example", 400), ("", 400), (".eu.shop.example", 400), ("shop.example, evil.example", 400),
    ],
)  # fmt: skip
async def test_only_named_hosts_are_served(host: str, status: int) -> None:
    answer = await get("/plain", {"Host": host}, options=HOSTS)
    assert answer.status_code == status
    if status == 400:
        assert answer.json()["code"] == "unknown_host"


async def test_probes_come_by_address() -> None:
    assert (await get("/livez", {"Host": "10.1.2.3"}, options=EdgeOptions(("shop.example",), https=True))).is_success


HTTPS = EdgeOptions(https=True, public_url="https://shop.example")


async def test_what_comes_in_clear_is_sent_to_https_and_nothing_is_lost() -> None:
    answer = await get("/plain?q=%2F&x=1", {"Host": "other.example"}, options=HTTPS)
    assert (answer.status_code, answer.headers["location"]) == (308, "https://shop.example/plain?q=%2F&x=1")
    odd = await get("//evil.example/x", options=HTTPS)
    assert odd.headers["location"].startswith("https://shop.example/")


async def test_a_body_that_came_in_clear_is_refused_and_not_sent_again() -> None:
    answer = await get("/plain", method="POST", options=HTTPS)
    assert (answer.status_code, answer.json()["code"]) == (403, "https_required")


async def test_only_a_trusted_proxy_says_that_it_was_https() -> None:
    said = {"X-Forwarded-Proto": "https"}
    assert (await get("/plain", said, options=HTTPS)).status_code == 308
    behind = await get("/plain", said, options=HTTPS, proxies=("10.0.0.0/8",))
    assert (behind.status_code, behind.text) == (200, "https")
    for other in ("http", "javascript", "https, http"):
        sent = {"X-Forwarded-Proto": other}
        assert (await get("/plain", sent, options=HTTPS, proxies=("10.0.0.0/8",))).status_code == 308


async def test_a_socket_for_another_host_is_closed_before_it_opens() -> None:
    told: list[Any] = []

    async def send(message: Any) -> None:
        told.append(message)

    async def receive() -> Any:
        raise AssertionError("nobody reads")

    app = Spine(Starlette(), AccessLog("off"), edge=Edge(options=HOSTS))
    scope = {"type": "websocket", "path": "/x", "headers": [(b"host", b"evil.example")], "scheme": "ws"}
    await app(scope, receive, send)
    assert told == [{"type": "websocket.close", "code": 1008}]


def test_a_host_that_is_none_does_not_start() -> None:
    with pytest.raises(ConfigurationError, match="MAINSTAY_HOSTS"):
        Edge(options=EdgeOptions(hosts=("https://shop.example/",)))
