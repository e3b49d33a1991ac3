"""A9: Mainstay comes into a FastAPI app that exists already, and leaves it what it has."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI, Header, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import JSONResponse, PlainTextResponse
from pydantic import BaseModel
from starlette.testclient import TestClient

from mainstay import ConfigurationError, CurrentUser, Mainstay, current_caller, current_user, install
from mainstay.assembly import load
from mainstay.testing import Backend
from tests.databases import Urls
from tests.journeys.shop import Author, Book, a_book, settings_for, signed_in_as, visiting

GENERATED = "/api/v1/books"


def legacy(**options: Any) -> FastAPI:
    """An app as people have it: routes of its own, one of them with a body."""
    app = FastAPI(title="Legacy", **options)

    class Order(BaseModel):
        amount: int

    @app.get("/orders/{number}")
    async def order(number: int) -> dict[str, int]:
        if number > 9:
            raise HTTPException(404, "no such order")
        return {"order": number}

    @app.post("/orders")
    async def place(order: Order) -> Order:
        return order

    return app


async def test_the_apps_routes_and_the_generated_ones_are_served_side_by_side(urls: Urls) -> None:
    app = install(legacy(), resources=[Author, Book], settings=settings_for(urls))
    async with visiting(app) as client:
        assert (await client.get("/orders/1")).json() == {"order": 1}
        headers = await signed_in_as(client)
        book = await a_book(client, headers, published=True)
        listed = (await client.get(GENERATED)).json()["items"]
        assert [each["id"] for each in listed] == [book["id"]]
        assert (await client.get("/livez")).json() == {"status": "ok"}
        assert (await client.get("/")).status_code == 404


def test_install_answers_the_same_object(sqlite_urls: Urls) -> None:
    before = legacy()
    after = install(before, settings=settings_for(sqlite_urls))
    assert after is before
    assert isinstance(before, Mainstay)
    assert type(before).__name__ == "FastAPI"


async def test_routes_routers_and_middleware_added_afterwards_hold_too(sqlite_urls: Urls) -> None:
    app = FastAPI()
    install(app, resources=[Author, Book], settings=settings_for(sqlite_urls))
    router = APIRouter(prefix="/late")

    @router.get("/me")
    async def me(user: Annotated[CurrentUser, Depends(current_user)]) -> str:
        return str(user.id)

    @router.get("/titles")
    async def titles() -> list[str]:
        assert isinstance(app, Mainstay)
        return [book.title for book in (await app.records(Book).list()).items]

    app.include_router(router)

    @app.middleware("http")
    async def timing(request: Request, call_next: Any) -> Response:
        response: Response = await call_next(request)
        response.headers["Server-Timing"] = "app;dur=1"
        return response

    assert isinstance(app, Mainstay)
    async with visiting(app) as client:
        assert (await client.get("/late/me")).status_code == 401
        headers = await signed_in_as(client)
        assert (await client.get("/late/me", headers=headers)).status_code == 200
        await a_book(client, headers, published=True)
        assert (await client.get("/late/titles", headers=headers)).json() == ["Notes"]
        assert (await client.get(GENERATED)).headers["server-timing"] == "app;dur=1"


async def test_middleware_dependencies_and_handlers_that_were_there_stand_before_generated_routes(
    sqlite_urls: Urls,
) -> None:
    asked: list[str] = []

    def require_key(x_key: Annotated[str | None, Header()] = None) -> None:
        asked.append("dependency")
        if x_key != "open":
            raise HTTPException(403, "no key")

    async def teapot(request: Request, error: HTTPException) -> Response:
        return PlainTextResponse(f"mine: {error.status_code}", error.status_code)

    before = legacy(dependencies=[Depends(require_key)], exception_handlers={HTTPException: teapot})
    before.add_middleware(CORSMiddleware, allow_origins=["https://shop.example"])
    app = install(before, resources=[Author, Book], settings=settings_for(sqlite_urls))
    async with visiting(app) as client:
        refused = await client.get(GENERATED, headers={"Origin": "https://shop.example"})
        assert (refused.status_code, refused.text) == (403, "mine: 403")
        assert refused.headers["access-control-allow-origin"] == "https://shop.example"
        assert asked == ["dependency"]
        assert (await client.get(GENERATED, headers={"X-Key": "open"})).status_code == 200
        assert (await client.get(f"{GENERATED}/nothing", headers={"X-Key": "open"})).text == "mine: 404"


async def test_the_apps_routes_keep_their_error_answers_and_ours_answer_problems(sqlite_urls: Urls) -> None:
    app = install(legacy(), resources=[Author, Book], settings=settings_for(sqlite_urls))

    @app.get("/broken")
    async def broken() -> None:
        raise ValueError("secret")

    async with visiting(app) as client:
        assert (await client.get("/orders/10")).json() == {"detail": "no such order"}
        assert (await client.get("/nowhere")).json() == {"detail": "Not Found"}
        assert isinstance((await client.post("/orders", json={})).json()["detail"], list)
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as hardy:
            failed = await hardy.get("/broken")
            assert (failed.status_code, failed.text) == (500, "Internal Server Error")
        for answer in (
            await client.get(f"{GENERATED}/nothing"),
            await client.post("/auth/sign-in", json={}),
            await client.put("/auth/sign-in", json={}),
            await client.get("/auth/me"),
        ):
            assert answer.headers["content-type"] == "application/problem+json", answer.request.url
            assert answer.json()["request_id"] == answer.headers["x-request-id"]


async def test_validation_handlers_of_the_apps_own_hear_of_generated_routes(sqlite_urls: Urls) -> None:
    app = install(legacy(), resources=[Author, Book], settings=settings_for(sqlite_urls))

    @app.exception_handler(RequestValidationError)
    async def mine(request: Request, error: RequestValidationError) -> Response:
        return JSONResponse([each["loc"][-1] for each in error.errors()], 422)

    async with visiting(app) as client:
        headers = await signed_in_as(client)
        answer = await client.post("/api/v1/authors", json={"name": 3}, headers=headers)
        assert (answer.status_code, answer.json()) == (422, ["name"])


async def test_bodies_of_the_apps_routes_are_its_own_affair_and_ours_are_bounded(sqlite_urls: Urls) -> None:
    app = legacy()

    @app.post("/upload")
    async def upload(request: Request) -> int:
        return len(await request.body())

    app = install(app, resources=[Author, Book], settings=settings_for(sqlite_urls, body_limit=1000))
    async with visiting(app) as client:
        assert (await client.post("/upload", content=b"x" * 5000)).json() == 5000
        headers = await signed_in_as(client)
        for path in ("/auth/sign-in", "/api/v1/authors"):
            refused = await client.post(path, json={"name": "x" * 5000}, headers=headers)
            assert (refused.status_code, refused.json()["code"]) == (413, "body_too_large"), path


async def test_a_path_of_the_apps_own_is_served_by_the_app(sqlite_urls: Urls) -> None:
    app = legacy()

    @app.get("/")
    async def home() -> str:
        return "home"

    @app.get("/health")
    async def health() -> str:
        return "mine"

    @app.get("/api/v1/books/featured")
    async def featured() -> str:
        return "featured"

    app = install(app, resources=[Author, Book], settings=settings_for(sqlite_urls), index=True)
    async with visiting(app) as client:
        assert (await client.get("/")).json() == "home"
        assert (await client.get("/health")).json() == "mine"
        assert (await client.get("/api/v1/books/featured")).json() == "featured"
        assert (await client.get("/readyz")).json() == {"status": "ok"}


async def test_one_document_tells_of_both(sqlite_urls: Urls) -> None:
    app = install(legacy(), resources=[Author, Book], settings=settings_for(sqlite_urls))
    async with visiting(app) as client:
        document = (await client.get("/openapi.json")).json()
        assert document["info"]["title"] == "Legacy"
        assert {"/orders", "/orders/{number}", GENERATED, "/auth/sign-in"} <= document["paths"].keys()
        assert "text/html" in (await client.get("/docs")).headers["content-type"]


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_document_that_the_app_writes_itself_is_kept_and_added_to(sqlite_urls: Urls, when: str) -> None:
    app = legacy()
    if when == "after":
        install(app, resources=[Author, Book], settings=settings_for(sqlite_urls))
    original = app.openapi

    def mine() -> dict[str, Any]:
        if app.openapi_schema:
            return app.openapi_schema
        document = original()
        document["info"]["x-mine"] = True
        app.openapi_schema = document
        return document

    app.openapi = mine  # type: ignore[method-assign]  # as FastAPI's documentation does
    if when == "before":
        install(app, resources=[Author, Book], settings=settings_for(sqlite_urls))
    assert isinstance(app, Mainstay)
    async with visiting(app) as client:
        for _ in range(2):
            document = (await client.get("/openapi.json")).json()
            assert document["info"]["x-mine"] is True
            assert {"/orders", GENERATED} <= document["paths"].keys()


async def test_the_lifespan_of_the_app_runs_inside_ours(sqlite_urls: Urls) -> None:
    events: list[str] = []

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, str]]:
        assert isinstance(app, Mainstay)
        await app.rooms.database.ping()
        events.append("up")
        yield {"greeting": "hello"}
        await app.rooms.database.ping()
        events.append("down")

    @asynccontextmanager
    async def late(app: FastAPI) -> AsyncIterator[None]:
        events.append("router up")
        yield

    app = install(legacy(lifespan=lifespan), resources=[Author, Book], settings=settings_for(sqlite_urls))
    app.include_router(APIRouter(lifespan=late))
    async with visiting(app) as client:
        assert sorted(events) == ["router up", "up"]
        assert (await client.get(GENERATED)).status_code == 200
    assert events[-1] == "down"


def test_the_state_of_the_apps_lifespan_reaches_its_requests(sqlite_urls: Urls) -> None:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, str]]:
        yield {"greeting": "hello"}

    app = legacy(lifespan=lifespan)

    @app.get("/greeting")
    async def greeting(request: Request) -> str:
        found: str = request.state.greeting
        return found

    install(app, settings=settings_for(sqlite_urls))
    with TestClient(app) as client:
        assert client.get("/greeting").json() == "hello"


async def test_below_a_root_path_and_beside_a_mounted_app(sqlite_urls: Urls) -> None:
    below = FastAPI()

    @below.get("/hello")
    async def hello() -> bool:
        return current_caller() is not None

    app = legacy()
    app.mount("/below", below)
    app = install(app, resources=[Author, Book], settings=settings_for(sqlite_urls))
    transport = httpx.ASGITransport(app, root_path="/shop")
    async with app.running(), httpx.AsyncClient(transport=transport, base_url="http://test/shop") as client:
        assert (await client.get("/below/hello")).json() is True
        headers = await signed_in_as(client)
        author = await client.post("/api/v1/authors", json={"name": "Ada"}, headers=headers)
        assert (await client.get(f"/api/v1/authors/{author.json()['id']}")).json() == author.json()
        assert {"url": "/shop"} in (await client.get("/openapi.json")).json()["servers"]


async def test_in_an_app_that_is_itself_mounted_the_parent_opens_it(sqlite_urls: Urls) -> None:
    shop = install(FastAPI(), resources=[Author, Book], settings=settings_for(sqlite_urls))

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with shop.running():
            yield

    parent = FastAPI(lifespan=lifespan)
    parent.mount("/shop", shop)
    transport = httpx.ASGITransport(parent)
    async with (
        parent.router.lifespan_context(parent),
        httpx.AsyncClient(transport=transport, base_url="http://test") as client,
    ):
        assert (await client.get("/shop/api/v1/books")).json()["items"] == []
        created = await client.post("/shop/auth/sign-up", json={"email": "a@example.com", "password": "correct horse"})
        assert created.status_code == 202


async def test_two_apps_with_mainstay_in_one_process(tmp_path: Path) -> None:
    first, second = (
        Urls(f"sqlite:///{tmp_path}/{name}.db", f"sqlite:///{tmp_path}/{name}.db", "sqlite") for name in "ab"
    )
    one = install(legacy(), resources=[Author, Book], settings=settings_for(first))
    two = install(FastAPI(), resources=[Author, Book], settings=settings_for(second))
    async with visiting(one) as client_of_one, visiting(two) as client_of_two:
        headers = await signed_in_as(client_of_one)
        await a_book(client_of_one, headers, published=True)
        assert len((await client_of_one.get(GENERATED)).json()["items"]) == 1
        assert (await client_of_two.get(GENERATED)).json()["items"] == []
        assert (await client_of_two.get("/orders/1")).status_code == 404
        refused = await client_of_two.post("/auth/sign-in", json={"email": "ada@example.com", "password": "x" * 12})
        assert refused.status_code == 401


def test_installing_twice_refuses_with_a_sentence(sqlite_urls: Urls) -> None:
    app = legacy()
    install(app, settings=settings_for(sqlite_urls))
    with pytest.raises(ConfigurationError, match=r"'Legacy' stands on Mainstay already\. Install once"):
        install(app, settings=settings_for(sqlite_urls))


def test_what_cannot_be_installed_into_is_refused_and_left_as_it_was(sqlite_urls: Urls) -> None:
    settings = settings_for(sqlite_urls)
    answered = legacy()
    TestClient(answered).get("/orders/1")
    with pytest.raises(ConfigurationError, match="has begun to answer"):
        install(answered, settings=settings)
    with pytest.raises(ConfigurationError, match="is not a FastAPI app"):
        install(legacy, settings=settings)  # type: ignore[arg-type]  # that is what is tested
    untouched = legacy()
    with pytest.raises(ConfigurationError, match="is not a mapped class"):
        install(untouched, resources=[int], settings=settings)
    assert type(untouched) is FastAPI
    open_to_all = legacy(debug=True)
    with pytest.raises(ConfigurationError, match="debug mode in production"):
        install(open_to_all, settings=settings_for(sqlite_urls, environment="production"))
    assert type(open_to_all) is FastAPI


def test_the_stack_of_an_app_that_was_there_is_never_stepped_over(sqlite_urls: Urls) -> None:
    assert not install(FastAPI(), settings=settings_for(sqlite_urls)).may_step_over()


async def test_a_class_of_app_that_overrides_its_stack_keeps_it(sqlite_urls: Urls) -> None:
    class Wrapped(FastAPI):
        asked = 0

        def build_middleware_stack(self) -> Any:
            inner = super().build_middleware_stack()

            async def counting(scope: Any, receive: Any, send: Any) -> None:
                Wrapped.asked += 1
                await inner(scope, receive, send)

            return counting

    app = install(Wrapped(), resources=[Author, Book], settings=settings_for(sqlite_urls))
    async with visiting(app) as client:
        assert (await client.get(GENERATED)).status_code == 200
    assert Wrapped.asked == 1


def test_the_backend_fixture_and_the_commands_take_such_an_app(tmp_path: Path) -> None:
    (tmp_path / "legacy_app.py").write_text(
        "from fastapi import FastAPI\n"
        "from mainstay import install\n"
        "from tests.journeys.shop import Author, Book\n"
        "def create_app():\n"
        "    app = FastAPI()\n"
        "    install(app, resources=[Author, Book])\n"
        "    return app\n"
    )
    loaded = load(f"{tmp_path}/legacy_app.py")
    with Backend(loaded.app) as backend:
        made = backend.as_user("ada").post("/api/v1/authors", json={"name": "Ada"})
        assert made.status_code == 201
