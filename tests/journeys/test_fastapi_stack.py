"""A1: middleware, lifespan, mounts and sockets around generated routes, and when the stack is stepped over."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from fastapi import APIRouter, Depends, FastAPI, Request, Response, WebSocket
from fastapi.middleware.cors import CORSMiddleware
from fastapi.middleware.gzip import GZipMiddleware
from fastapi.responses import JSONResponse, PlainTextResponse
from fastapi.staticfiles import StaticFiles
from starlette.testclient import TestClient

from mainstay import ConfigurationError, Mainstay, current_caller
from tests.databases import Urls
from tests.journeys.shop import Author, a_book, settings_for, shop, signed_in_as, visiting

GENERATED = "/api/v1/books"


async def test_user_middleware_stands_around_generated_routes(sqlite_urls: Urls) -> None:
    app = shop(sqlite_urls)
    app.add_middleware(GZipMiddleware, minimum_size=1)
    app.add_middleware(CORSMiddleware, allow_origins=["https://shop.example"], allow_credentials=True)

    @app.middleware("http")
    async def timing(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        response = await call_next(request)
        response.headers["X-Process"] = "1"
        return response

    async with visiting(app) as client:
        answer = await client.get(GENERATED, headers={"Origin": "https://shop.example", "Accept-Encoding": "gzip"})
        assert answer.status_code == 200
        assert answer.headers["x-process"] == "1"
        assert answer.headers["access-control-allow-origin"] == "https://shop.example"
        assert answer.headers["content-encoding"] == "gzip"


async def test_a_middleware_may_answer_instead_of_a_generated_route(sqlite_urls: Urls) -> None:
    app = shop(sqlite_urls)

    @app.middleware("http")
    async def closed(request: Request, call_next: Any) -> Response:
        return PlainTextResponse("closed", 503)

    async with visiting(app) as client:
        assert (await client.get(GENERATED)).text == "closed"


@pytest.mark.parametrize(
    "prepare",
    [
        lambda app: app.add_middleware(GZipMiddleware),
        lambda app: app.router.dependencies.append(Depends(lambda: None)),
        lambda app: app.add_exception_handler(404, lambda request, error: JSONResponse({}, 404)),
        lambda app: app.add_exception_handler(ValueError, lambda request, error: JSONResponse({}, 400)),
    ],
    ids=["middleware", "dependency", "handler for a status", "handler for an exception"],
)
def test_the_stack_is_not_stepped_over_when_the_user_put_something_into_it(
    sqlite_urls: Urls, prepare: Callable[[Mainstay], None]
) -> None:
    app = shop(sqlite_urls)
    assert app.may_step_over()
    prepare(app)
    assert not app.may_step_over()


async def test_answers_are_the_same_whether_the_stack_is_stepped_over_or_not(urls: Urls) -> None:
    app = shop(urls)
    async with visiting(app) as client:
        headers = await signed_in_as(client)
        book = await a_book(client, headers, published=True)
        asked: list[tuple[str, str, dict[str, Any]]] = [
            ("GET", GENERATED, {}),
            ("GET", f"{GENERATED}/{book['id']}", {}),
            ("HEAD", f"{GENERATED}/{book['id']}", {}),
            ("OPTIONS", GENERATED, {}),
            ("GET", f"{GENERATED}/{book['owner_id']}", {}),
            ("GET", f"{GENERATED}?nosuch=1", {}),
            ("POST", GENERATED, {"json": {"title": 3}, "headers": headers}),
            ("POST", GENERATED, {"content": b"{", "headers": {**headers, "content-type": "application/json"}}),
            ("POST", GENERATED, {"content": b"x" * 2_000_000, "headers": headers}),
            ("TRACE", GENERATED, {}),
            ("GET", "/api/v1/nowhere", {}),
        ]
        stepped = [await client.request(method, path, **options) for method, path, options in asked]
    walked_app = shop(urls)

    @walked_app.middleware("http")
    async def nothing(request: Request, call_next: Any) -> Any:
        return await call_next(request)

    async with visiting(walked_app) as client:
        walked = [await client.request(method, path, **options) for method, path, options in asked]
    for (method, path, _), one, other in zip(asked, stepped, walked, strict=True):
        assert one.status_code == other.status_code, (method, path)
        assert _without_ids(one) == _without_ids(other), (method, path)


def _without_ids(answer: Any) -> tuple[dict[str, str], str]:
    request_id = answer.headers["x-request-id"]
    # On the way that steps over the stack data lacks the headers that matter to pages alone.
    left_out = {"x-request-id", "x-frame-options", "referrer-policy", "permissions-policy"}
    headers = {name: value for name, value in answer.headers.items() if name not in left_out}
    return headers, answer.text.replace(request_id, "id")


async def test_an_own_route_below_the_prefix_comes_before_the_generated_ones(sqlite_urls: Urls) -> None:
    app = shop(sqlite_urls)

    @app.get("/api/v1/books/featured")
    async def featured() -> str:
        return "featured"

    @app.post("/api/v1/books/{key}/publish")
    async def publish(key: str) -> str:
        return f"published {key}"

    async with visiting(app) as client:
        assert (await client.get("/api/v1/books/featured")).json() == "featured"
        assert (await client.post("/api/v1/books/7/publish")).json() == "published 7"
        assert (await client.get(GENERATED)).json()["items"] == []


async def test_the_lifespan_composes_with_the_users_and_the_database_is_open_inside_it(sqlite_urls: Urls) -> None:
    events: list[str] = []

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, str]]:
        assert isinstance(app, Mainstay)
        await app.rooms.database.ping()
        events.append("up")
        yield {"greeting": "hello"}
        await app.rooms.database.ping()
        events.append("down")

    app = shop(sqlite_urls, lifespan=lifespan)
    async with visiting(app) as client:
        assert events == ["up"]
        assert (await client.get(GENERATED)).status_code == 200
    assert events == ["up", "down"]


def test_the_state_of_the_users_lifespan_reaches_requests_under_a_server(sqlite_urls: Urls) -> None:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, str]]:
        yield {"greeting": "hello"}

    app = shop(sqlite_urls, lifespan=lifespan)

    @app.get("/greeting")
    async def greeting(request: Request) -> str:
        found: str = request.state.greeting
        return found

    with TestClient(app) as client:
        assert client.get("/greeting").json() == "hello"


def test_start_and_stop_handlers_still_run(sqlite_urls: Urls) -> None:
    events: list[str] = []
    app = shop(sqlite_urls, on_startup=[lambda: events.append("start")], on_shutdown=[lambda: events.append("stop")])
    with TestClient(app) as client:
        assert client.get(GENERATED).status_code == 200
    assert events == ["start", "stop"]


async def test_mounted_sub_applications_work_beside_generated_routes(sqlite_urls: Urls) -> None:
    app, below = shop(sqlite_urls), FastAPI()

    @below.get("/hello")
    async def hello() -> bool:
        return current_caller() is not None

    app.mount("/below", below)
    async with visiting(app) as client:
        assert (await client.get("/below/hello")).json() is True
        assert (await client.get("/below/openapi.json")).json()["paths"].keys() == {"/hello"}
        assert (await client.get(GENERATED)).status_code == 200


def test_web_sockets_of_the_apps_own_work_and_know_the_caller(sqlite_urls: Urls) -> None:
    app = shop(sqlite_urls)

    @app.websocket("/socket")
    async def socket(websocket: WebSocket) -> None:
        await websocket.accept()
        text = await websocket.receive_text()
        caller = current_caller()
        await websocket.send_json([text, caller is not None and caller.actor.signed_in])
        await websocket.close()

    with TestClient(app) as client:
        client.post("/auth/sign-up", json={"email": "ada@example.com", "password": "correct horse battery staple"})
        token = client.post(
            "/auth/sign-in", json={"email": "ada@example.com", "password": "correct horse battery staple"}
        ).json()["access_token"]
        with client.websocket_connect("/socket", headers={"Authorization": f"Bearer {token}"}) as connection:
            connection.send_text("hi")
            assert connection.receive_json() == ["hi", True]


async def test_an_own_index_replaces_ours_and_a_front_end_at_the_root_keeps_the_rest(
    sqlite_urls: Urls, tmp_path: Any
) -> None:
    app = shop(sqlite_urls)

    @app.get("/")
    async def home() -> str:
        return "mine"

    async with visiting(app) as client:
        assert (await client.get("/")).json() == "mine"
    (tmp_path / "index.html").write_text("<p>front</p>")
    front = shop(sqlite_urls)
    front.mount("/", StaticFiles(directory=tmp_path, html=True))
    async with visiting(front) as client:
        assert "front" in (await client.get("/")).text
        assert (await client.get("/livez")).status_code == 200
        assert (await client.get("/docs")).status_code == 200
        assert (await client.get(GENERATED)).status_code == 200


async def test_a_catch_all_of_the_users_leaves_docs_and_health_alone(sqlite_urls: Urls, tmp_path: Any) -> None:
    app, router = shop(sqlite_urls), APIRouter()

    @router.get("/{slug}")
    async def page(slug: str) -> str:
        return f"page {slug}"

    app.include_router(router)
    async with visiting(app) as client:
        assert (await client.get("/about")).json() == "page about"
        assert (await client.get("/livez")).json() == {"status": "ok"}
        assert "resources" in (await client.get("/")).json()
    (tmp_path / "index.html").write_text("<p>front</p>")
    front = shop(sqlite_urls)
    front.frontend("/", directory=tmp_path)
    async with visiting(front) as client:
        assert "front" in (await client.get("/", headers={"Accept": "text/html"})).text
        assert (await client.get("/livez")).json() == {"status": "ok"}


async def test_nothing_can_be_declared_while_the_app_runs(sqlite_urls: Urls) -> None:
    app = shop(sqlite_urls)
    async with visiting(app):
        with pytest.raises(ConfigurationError):
            app.expose(Author)
        with pytest.raises(ConfigurationError):
            app.configure(settings_for(sqlite_urls))


async def test_one_app_runs_again_with_other_settings(sqlite_urls: Urls) -> None:
    app = shop(sqlite_urls)
    async with visiting(app) as client:
        assert (await client.get("/docs")).status_code == 200
    app.configure(settings_for(sqlite_urls, docs=False))
    async with visiting(app) as client:
        assert (await client.get("/docs")).status_code == 404
        assert (await client.get(GENERATED)).status_code == 200
