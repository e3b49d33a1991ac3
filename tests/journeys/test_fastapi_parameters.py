"""A2: parameters, forms, files, cookies, validators and response models beside generated routes."""

from collections.abc import AsyncIterator
from enum import StrEnum
from pathlib import Path as FilePath
from typing import Annotated, Any

from fastapi import Body, Cookie, File, Form, Header, Path, Query, Request, UploadFile
from pydantic import BaseModel, Field, computed_field, field_validator, model_validator

from tests.databases import Urls
from tests.journeys.shop import settings_for, shop, visiting


class Size(StrEnum):
    """How large."""

    small = "small"
    large = "large"


class Order(BaseModel):
    """A body with field and cross-field validators, and a computed field."""

    first: int = Field(ge=1)
    last: int
    name: str = "none"

    @field_validator("name")
    @classmethod
    def trimmed(cls, value: str) -> str:
        return value.strip()

    @model_validator(mode="after")
    def in_order(self) -> "Order":
        if self.last < self.first:
            raise ValueError("last comes before first")
        return self

    @computed_field
    def length(self) -> int:
        return self.last - self.first


class Public(BaseModel):
    """What an answer may show."""

    name: str


async def test_path_query_header_and_cookie_parameters(sqlite_urls: Urls) -> None:
    app = shop(sqlite_urls)

    @app.get("/things/{number}")
    async def things(
        number: Annotated[int, Path(ge=1)],
        size: Size,
        tag: Annotated[list[str], Query(max_length=2)],
        x_tag: Annotated[list[str] | None, Header()] = None,
        session: Annotated[str | None, Cookie()] = None,
    ) -> dict[str, Any]:
        return {"number": number, "size": size, "tag": tag, "x_tag": x_tag, "session": session}

    async with visiting(app) as client:
        answer = await client.get("/things/3?size=small&tag=a&tag=b", headers={"X-Tag": "x", "Cookie": "session=abc"})
        assert answer.json() == {"number": 3, "size": "small", "tag": ["a", "b"], "x_tag": ["x"], "session": "abc"}
        refused = await client.get("/things/0?size=huge&tag=a&tag=b&tag=c")
        assert refused.status_code == 422
        assert refused.headers["content-type"] == "application/problem+json"
        places = {tuple(each["loc"]) for each in refused.json()["errors"]}
        assert places == {("path", "number"), ("query", "size"), ("query", "tag")}


async def test_several_bodies_validators_and_response_models(sqlite_urls: Urls) -> None:
    app = shop(sqlite_urls)

    @app.post("/orders", response_model=Order)
    async def orders(order: Order, note: Annotated[str, Body()]) -> Any:
        return {**order.model_dump(exclude={"length"}), "name": f"{order.name}/{note}", "secret": 1}

    @app.post("/public", response_model=Public)
    async def public(order: Order) -> Any:
        return order

    async with visiting(app) as client:
        body = {"order": {"first": 1, "last": 4, "name": " ada "}, "note": "x"}
        assert (await client.post("/orders", json=body)).json() == {"first": 1, "last": 4, "name": "ada/x", "length": 3}
        assert (await client.post("/public", json=body["order"])).json() == {"name": "ada"}
        refused = await client.post("/public", json={"first": 4, "last": 1})
        assert refused.status_code == 422
        assert "last comes before first" in refused.json()["errors"][0]["message"]


async def test_forms_and_files(sqlite_urls: Urls, tmp_path: FilePath) -> None:
    app = shop(sqlite_urls)

    @app.post("/upload")
    async def upload(
        title: Annotated[str, Form()], files: list[UploadFile], small: Annotated[bytes, File()]
    ) -> dict[str, Any]:
        return {"title": title, "files": [(f.filename, len(await f.read())) for f in files], "small": len(small)}

    async with visiting(app) as client:
        sent = [("files", ("a.txt", b"aaa")), ("files", ("b.txt", b"bb")), ("small", ("c.txt", b"c"))]
        answer = await client.post("/upload", data={"title": "Two"}, files=sent)
        assert answer.json() == {"title": "Two", "files": [["a.txt", 3], ["b.txt", 2]], "small": 1}


async def _pieces() -> AsyncIterator[bytes]:
    for _ in range(50):
        yield b"x" * 100


async def test_a_body_over_the_limit_is_413_on_own_routes_and_a_route_may_set_its_own(sqlite_urls: Urls) -> None:
    app = shop(sqlite_urls, settings=settings_for(sqlite_urls, body_limit=1000))

    @app.post("/small")
    async def small(body: Annotated[dict[str, Any], Body()]) -> int:
        return len(body)

    @app.post("/large", max_body_size=10_000)
    async def large(body: Annotated[dict[str, Any], Body()]) -> int:
        return len(body)

    @app.middleware("http")
    async def stamp(request: Request, call_next: Any) -> Any:
        if "x-read" in request.headers:
            await request.body()
        response = await call_next(request)
        response.headers["X-Stamp"] = "1"
        return response

    async with visiting(app) as client:
        body = {"text": "x" * 2000}
        for path in ("/small", "/api/v1/authors"):
            refused = await client.post(path, json=body)
            assert refused.status_code == 413, path
            assert refused.headers["content-type"] == "application/problem+json"
            assert refused.headers["x-stamp"] == "1"
        for headers in ({"X-Read": "1"}, {"X-Read": "1", "Transfer-Encoding": "chunked"}):
            read_early = await client.post("/small", content=_pieces(), headers=headers)
            assert read_early.status_code == 413
            assert read_early.headers["content-type"] == "application/problem+json"
        assert (await client.post("/large", json=body)).json() == 1


async def test_json_that_does_not_parse_is_400_on_own_routes(sqlite_urls: Urls) -> None:
    app = shop(sqlite_urls)

    @app.post("/small")
    async def small(body: Annotated[dict[str, Any], Body()]) -> int:
        return len(body)

    async with visiting(app) as client:
        refused = await client.post("/small", content="{", headers={"content-type": "application/json"})
        assert refused.status_code == 400
        assert refused.json()["code"] == "malformed_body"
