"""A3: methods, responses, cookies and static files beside generated routes."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from fastapi import Response
from fastapi.responses import HTMLResponse, PlainTextResponse, RedirectResponse, StreamingResponse
from fastapi.staticfiles import StaticFiles
from starlette.types import Scope

from tests.databases import Urls
from tests.journeys.shop import a_book, shop, signed_in_as, visiting


class KeptForLong(StaticFiles):
    """Static files that a browser may keep for a year."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response


async def test_custom_redirect_html_text_and_streaming_responses_and_cookies(sqlite_urls: Urls) -> None:
    app = shop(sqlite_urls)

    @app.get("/html", response_class=HTMLResponse)
    async def html() -> str:
        return "<p>hello</p>"

    @app.get("/text")
    async def text() -> PlainTextResponse:
        return PlainTextResponse("hello", headers={"X-Own": "1"})

    @app.get("/away")
    async def away() -> RedirectResponse:
        return RedirectResponse("/text")

    @app.get("/stream")
    async def stream() -> StreamingResponse:
        async def pieces() -> AsyncIterator[str]:
            for piece in "abc":
                yield piece

        return StreamingResponse(pieces(), media_type="text/plain")

    @app.get("/cookie")
    async def cookie(response: Response) -> dict[str, Any]:
        response.set_cookie("seen", "yes", httponly=True, samesite="lax")
        return {}

    async with visiting(app) as client:
        assert (await client.get("/html")).headers["content-type"].startswith("text/html")
        assert (await client.get("/text")).headers["x-own"] == "1"
        assert (await client.get("/away")).status_code == 307
        assert (await client.get("/stream")).text == "abc"
        assert "HttpOnly" in (await client.get("/cookie")).headers["set-cookie"]


async def test_every_method_on_own_routes_and_405_names_those_allowed(sqlite_urls: Urls) -> None:
    app = shop(sqlite_urls)

    @app.api_route("/any", methods=["GET", "PUT", "POST", "DELETE", "PATCH", "HEAD", "OPTIONS"])
    async def whatever() -> str:
        return "ok"

    @app.get("/only")
    async def only() -> str:
        return "ok"

    async with visiting(app) as client:
        for method in ("GET", "PUT", "POST", "DELETE", "PATCH", "HEAD", "OPTIONS"):
            assert (await client.request(method, "/any")).status_code == 200
        refused = await client.post("/only")
        assert refused.status_code == 405
        assert "GET" in refused.headers["allow"]
        assert refused.json()["code"] == "method_not_allowed"


async def test_generated_routes_answer_head_options_and_405(urls: Urls) -> None:
    async with visiting(shop(urls)) as client:
        headers = await signed_in_as(client)
        book = await a_book(client, headers, published=True)
        path = f"/api/v1/books/{book['id']}"
        got, head = await client.get(path), await client.head(path)
        assert head.status_code == 200
        assert head.content == b""
        assert head.headers["etag"] == got.headers["etag"]
        assert head.headers["content-length"] == got.headers["content-length"]
        options = await client.options(path)
        assert {"GET", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"} <= set(options.headers["allow"].split(", "))
        refused = await client.post(path, json={})
        assert refused.status_code == 405
        assert "PATCH" in refused.headers["allow"]


async def test_patch_changes_only_what_it_names(urls: Urls) -> None:
    async with visiting(shop(urls)) as client:
        headers = await signed_in_as(client)
        book = await a_book(client, headers)
        answer = await client.patch(f"/api/v1/books/{book['id']}", json={"title": "New"}, headers=headers)
        assert answer.status_code == 200
        assert (answer.json()["title"], answer.json()["price"]) == ("New", book["price"])


async def test_static_files_are_served_with_long_lived_caching(sqlite_urls: Urls, tmp_path: Path) -> None:
    (tmp_path / "app.js").write_text("1")
    app = shop(sqlite_urls)
    app.mount("/static", KeptForLong(directory=tmp_path))
    async with visiting(app) as client:
        answer = await client.get("/static/app.js")
        assert answer.text == "1"
        assert "max-age=31536000" in answer.headers["cache-control"]
        assert (await client.get("/static/nothing.js")).status_code == 404
