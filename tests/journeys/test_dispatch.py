"""A5: whatever the user puts into the stack holds for generated routes, and only an empty one is stepped over."""

import time
from collections.abc import Awaitable, Callable
from ipaddress import ip_address, ip_network
from typing import Annotated, Any

import httpx
import pytest
from fastapi import Depends, FastAPI, Header, HTTPException, Request, Response
from fastapi.middleware.cors import CORSMiddleware
from fastapi.middleware.gzip import GZipMiddleware
from fastapi.responses import JSONResponse, PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from mainstay import Mainstay, NotFound, Rejected, install
from tests.databases import Urls
from tests.journeys.shop import Author, Book, a_book, settings_for, shop, signed_in_as, visiting

BOOKS = "/api/v1/books"
Way = Callable[..., Mainstay]


def own(urls: Urls, **options: Any) -> Mainstay:
    return shop(urls, **options)


def installed(urls: Urls, **options: Any) -> Mainstay:
    return install(FastAPI(**options), resources=[Author, Book], settings=settings_for(urls))


ways = pytest.mark.parametrize("made", [own, installed], ids=["Mainstay()", "install()"])


class AllowList:
    """Middleware as a site has it: only addresses of these networks come in."""

    def __init__(self, app: ASGIApp, networks: list[str]) -> None:
        self.app = app
        self.networks = [ip_network(each) for each in networks]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            address = ip_address(scope["client"][0])
            if not any(address in each for each in self.networks):
                await PlainTextResponse("not from there", 403)(scope, receive, send)
                return
        await self.app(scope, receive, send)


def from_address(app: Mainstay, address: str) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app, client=(address, 1234))
    return httpx.AsyncClient(transport=transport, base_url="http://test")


@ways
async def test_an_allow_list_of_addresses_keeps_strangers_from_every_route(sqlite_urls: Urls, made: Way) -> None:
    app = made(sqlite_urls)
    app.add_middleware(AllowList, networks=["10.0.0.0/8"])
    async with app.running(), from_address(app, "10.1.2.3") as inside, from_address(app, "192.0.2.7") as outside:
        headers = await signed_in_as(inside)
        book = await a_book(inside, headers, published=True)
        asked: list[tuple[str, str, dict[str, Any]]] = [
            ("GET", BOOKS, {}),
            ("GET", f"{BOOKS}/{book['id']}", {}),
            ("HEAD", BOOKS, {}),
            ("OPTIONS", BOOKS, {}),
            ("PATCH", f"{BOOKS}/{book['id']}", {"json": {"title": "Mine"}, "headers": headers}),
            ("DELETE", f"{BOOKS}/{book['id']}", {"headers": headers}),
            ("POST", "/api/v1/batch", {"json": {"operations": []}, "headers": headers}),
            ("GET", "/api/v1/nothing", {}),
            ("GET", "/auth/me", {"headers": headers}),
            ("GET", "/livez", {}),
            ("GET", "/openapi.json", {}),
        ]
        for method, path, options in asked:
            refused = await outside.request(method, path, **options)
            assert refused.status_code == 403, (method, path)
            assert refused.headers["content-type"].startswith("text/plain"), (method, path)
        assert (await inside.get(f"{BOOKS}/{book['id']}")).json()["title"] == "Notes"


@ways
async def test_cors_a_timing_header_and_compression_apply_together(sqlite_urls: Urls, made: Way) -> None:
    app = made(sqlite_urls)
    app.add_middleware(GZipMiddleware, minimum_size=1)
    app.add_middleware(CORSMiddleware, allow_origins=["https://shop.example"], expose_headers=["X-Process-Time"])

    @app.middleware("http")
    async def timing(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        started = time.perf_counter()
        response = await call_next(request)
        response.headers["X-Process-Time"] = str(time.perf_counter() - started)
        return response

    async with visiting(app) as client:
        headers = await signed_in_as(client)
        await a_book(client, headers, published=True)
        page = {"Origin": "https://shop.example", "Accept-Encoding": "gzip"}
        for path, status in ((BOOKS, 200), (f"{BOOKS}/nothing", 404), (f"{BOOKS}?nosuch=1", 400)):
            answer = await client.get(path, headers=page)
            assert answer.status_code == status
            assert float(answer.headers["x-process-time"]) >= 0
            assert answer.headers.get_list("access-control-allow-origin") == ["https://shop.example"]
            assert answer.headers["content-encoding"] == "gzip"
        asked = await client.options(BOOKS, headers={**page, "Access-Control-Request-Method": "GET"})
        assert (asked.status_code, asked.text) == (200, "OK")


@ways
async def test_app_wide_dependencies_stand_before_every_generated_route(sqlite_urls: Urls, made: Way) -> None:
    seen: list[str] = []

    async def require_key(request: Request, x_key: Annotated[str | None, Header()] = None) -> None:
        seen.append(request.method)
        if x_key != "open":
            raise HTTPException(403, "no key")

    app = made(sqlite_urls, dependencies=[Depends(require_key)])
    async with visiting(app) as client:
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"):
            assert (await client.request(method, f"{BOOKS}/1")).status_code == 403, method
        assert len(seen) == 7
        assert (await client.get(BOOKS, headers={"X-Key": "open"})).status_code == 200


@ways
async def test_exception_handlers_answer_for_generated_routes(sqlite_urls: Urls, made: Way) -> None:
    app = made(sqlite_urls)

    @app.exception_handler(NotFound)
    async def missing(request: Request, error: NotFound) -> Response:
        return JSONResponse({"mine": error.problem_code}, 410)

    @app.exception_handler(Rejected)
    async def refused(request: Request, error: Rejected) -> Response:
        return JSONResponse({"refused": error.problem_code}, error.status)

    async with visiting(app) as client:
        assert (await client.get(f"{BOOKS}/nothing")).json() == {"mine": "not_found"}
        assert (await client.get(f"{BOOKS}?nosuch=1")).json() == {"refused": "unknown_parameter"}
        assert (await client.post(BOOKS, json={})).json() == {"refused": "sign_in_required"}


# Stepping over


class Probe:
    """Stands where the stack ends, and counts who comes through it."""

    def __init__(self, app: Mainstay) -> None:
        self.inner = app.router.middleware_stack
        self.seen: list[str] = []
        app.router.middleware_stack = self

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            self.seen.append(scope["path"])
        await self.inner(scope, receive, send)


class Nothing:
    """Middleware that does nothing."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


async def test_generated_routes_step_over_an_empty_stack_and_all_others_walk_through_it(sqlite_urls: Urls) -> None:
    app = shop(sqlite_urls, settings=settings_for(sqlite_urls, cors={"origins": ["https://shop.example"]}))

    @app.get("/api/v1/books/featured")
    async def featured() -> str:
        return "featured"

    probe = Probe(app)
    async with visiting(app) as client:
        for path in (BOOKS, f"{BOOKS}/1", "/api/v1/nothing", "/api/v1/books/featured", "/livez", "/nowhere"):
            await client.get(path)
        assert probe.seen == ["/api/v1/books/featured", "/livez", "/nowhere"]
        await client.get(f"{BOOKS}/2", headers={"Origin": "https://shop.example"})
        assert probe.seen[3:] == [f"{BOOKS}/2"]


class Overriding(Mainstay):
    """An app class with a stack of its own."""

    def build_middleware_stack(self) -> ASGIApp:
        return Nothing(super().build_middleware_stack())


def patched(app: Mainstay) -> None:
    # As OpenTelemetry's instrumentation for FastAPI does.
    build = app.build_middleware_stack
    app.build_middleware_stack = lambda: Nothing(build())  # type: ignore[method-assign]  # as they do


@pytest.mark.parametrize(
    "prepare",
    [
        lambda app: app.add_middleware(Nothing),
        lambda app: app.middleware("http")(lambda request, call_next: call_next(request)),
        lambda app: app.router.dependencies.append(Depends(lambda: None)),
        lambda app: app.add_exception_handler(404, lambda request, error: JSONResponse({}, 404)),
        lambda app: app.add_exception_handler(NotFound, lambda request, error: JSONResponse({}, 404)),
        lambda app: app.add_exception_handler(Exception, lambda request, error: JSONResponse({}, 500)),
        patched,
    ],
    ids=["middleware", "function", "dependency", "status", "handler", "catch-all", "patched stack"],
)
async def test_whatever_is_in_the_stack_brings_generated_routes_back_into_it(
    sqlite_urls: Urls, prepare: Callable[[Mainstay], Any]
) -> None:
    app = shop(sqlite_urls)
    prepare(app)
    probe = Probe(app)
    async with visiting(app) as client:
        await client.get(BOOKS)
    assert probe.seen == [BOOKS]


async def test_a_class_with_a_stack_of_its_own_and_debug_mode_are_never_stepped_over(sqlite_urls: Urls) -> None:
    for app in (
        Overriding(resources=[Author, Book], settings=settings_for(sqlite_urls)),
        shop(sqlite_urls, debug=True),
        shop(sqlite_urls, middleware=[]),
    ):
        probe = Probe(app)
        async with visiting(app) as client:
            await client.get(BOOKS)
        assert probe.seen == ([BOOKS] if isinstance(app, Overriding) or app.debug else [])


async def test_an_installed_app_with_an_empty_stack_is_walked_through(sqlite_urls: Urls) -> None:
    app = installed(sqlite_urls)
    probe = Probe(app)
    async with visiting(app) as client:
        assert (await client.get(BOOKS)).status_code == 200
    assert probe.seen == [BOOKS]


async def test_headers_of_the_settings_stand_on_every_answer(sqlite_urls: Urls) -> None:
    chosen = {"X-Frame-Options": "DENY", "Strict-Transport-Security": "max-age=63072000"}
    app = shop(sqlite_urls, settings=settings_for(sqlite_urls, answer_headers=chosen))
    assert app.may_step_over()

    @app.get("/broken")
    async def broken() -> None:
        raise ValueError("secret")

    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with app.running(), httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        for path in (BOOKS, f"{BOOKS}/nothing", "/livez", "/nowhere", "/broken"):
            answer = await client.get(path)
            assert answer.headers["x-frame-options"] == "DENY", path
            assert answer.headers["strict-transport-security"] == "max-age=63072000", path
            assert answer.headers["x-request-id"], path
