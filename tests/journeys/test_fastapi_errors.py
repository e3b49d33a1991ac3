"""A4: every refusal in one shape, and each handler replaceable, on own and generated routes alike."""

from typing import Any

import httpx
import pytest
from fastapi import HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException as StarletteHTTPException

from mainstay import NotFound, Rejected, Unavailable
from tests.databases import Urls
from tests.journeys.shop import shop, signed_in_as, visiting


def is_problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert {"type", "title", "status", "detail", "instance", "code", "request_id"} <= body.keys()
    assert (body["status"], body["code"]) == (status, code)
    assert body["request_id"] == answer.headers["x-request-id"]
    return body


async def test_refusals_of_every_origin_have_one_shape(sqlite_urls: Urls) -> None:
    app = shop(sqlite_urls)

    @app.get("/teapot")
    async def teapot() -> None:
        raise HTTPException(418, "Short and stout.", headers={"X-Own": "1"})

    @app.get("/data")
    async def data() -> None:
        raise HTTPException(409, {"why": "taken"})

    @app.get("/locked")
    async def locked() -> None:
        raise HTTPException(401)

    @app.get("/gone")
    async def gone() -> None:
        raise NotFound("No such thing.")

    @app.get("/number/{number}")
    async def number(number: int) -> int:
        return number

    async with visiting(app) as client:
        body = is_problem(await client.get("/teapot"), 418, "i_m_a_teapot")
        assert body["detail"] == "Short and stout."
        assert (await client.get("/teapot")).headers["x-own"] == "1"
        assert is_problem(await client.get("/data"), 409, "conflict")["data"] == {"why": "taken"}
        is_problem(await client.get("/locked"), 401, "sign_in_required")
        assert (await client.get("/locked")).headers["www-authenticate"].startswith("Bearer")
        assert is_problem(await client.get("/gone"), 404, "not_found")["instance"] == "/gone"
        is_problem(await client.get("/nowhere"), 404, "not_found")
        assert is_problem(await client.get("/number/x"), 422, "invalid")["errors"][0]["loc"] == ["path", "number"]
        is_problem(await client.get("/api/v1/nowhere"), 404, "unknown_resource")
        is_problem(await client.get("/api/v1/books?nosuch=1"), 400, "unknown_parameter")
        is_problem(await client.post("/api/v1/books", json={}), 401, "sign_in_required")


async def test_what_breaks_is_500_and_says_nothing(sqlite_urls: Urls, caplog: pytest.LogCaptureFixture) -> None:
    app = shop(sqlite_urls)

    @app.get("/broken")
    async def broken() -> None:
        raise RuntimeError("hunter2 at /etc/passwd")

    async with visiting(app) as client:
        answer = await client.get("/broken")
        is_problem(answer, 500, "internal_error")
        assert "hunter2" not in answer.text
    assert "hunter2" in caplog.text


async def test_a_handler_of_the_users_replaces_ours_everywhere(sqlite_urls: Urls) -> None:
    app = shop(sqlite_urls)

    @app.exception_handler(Rejected)
    async def own(request: Request, error: Rejected) -> JSONResponse:
        return JSONResponse({"own": error.problem_code}, error.status)

    async with visiting(app) as client:
        assert (await client.get("/api/v1/nowhere")).json() == {"own": "unknown_resource"}


async def test_a_handler_for_http_exceptions_gets_generated_refusals_too(sqlite_urls: Urls) -> None:
    app = shop(sqlite_urls)

    @app.exception_handler(StarletteHTTPException)
    async def own(request: Request, error: StarletteHTTPException) -> JSONResponse:
        return JSONResponse({"own": error.detail}, error.status_code, headers=error.headers)

    async with visiting(app) as client:
        assert (await client.get("/nowhere")).json() == {"own": "Not Found"}
        answer = await client.get("/api/v1/nowhere")
        assert answer.status_code == 404
        assert answer.json()["own"]
        assert (await client.post("/api/v1/books", json={})).headers["www-authenticate"]


async def test_a_handler_for_one_status_gets_generated_refusals_too(sqlite_urls: Urls) -> None:
    app = shop(sqlite_urls, exception_handlers={404: lambda request, error: JSONResponse({"own": 404}, 404)})
    async with visiting(app) as client:
        assert (await client.get("/nowhere")).json() == {"own": 404}
        assert (await client.get("/api/v1/nowhere")).json() == {"own": 404}
        assert (await client.get("/api/v1/books?nosuch=1")).json()["code"] == "unknown_parameter"


async def test_a_handler_for_validation_errors_gets_generated_ones_too(sqlite_urls: Urls) -> None:
    app = shop(sqlite_urls)

    @app.exception_handler(RequestValidationError)
    async def own(request: Request, error: RequestValidationError) -> JSONResponse:
        return JSONResponse({"fields": [each["loc"][-1] for each in error.errors()]}, 422)

    async with visiting(app) as client:
        headers = await signed_in_as(client)
        answer = await client.post("/api/v1/authors", json={"name": 3}, headers=headers)
        assert answer.json() == {"fields": ["name"]}


@pytest.mark.parametrize("key", [500, Exception])
async def test_a_catch_all_of_the_users_replaces_ours(sqlite_urls: Urls, key: Any) -> None:
    async def own(request: Request, error: Exception) -> JSONResponse:
        return JSONResponse({"own": 500}, 500)

    app = shop(sqlite_urls, exception_handlers={key: own})

    @app.get("/broken")
    async def broken() -> None:
        raise RuntimeError

    async with visiting(app) as client:
        assert (await client.get("/broken")).json() == {"own": 500}


async def test_an_own_exception_class_with_its_own_handler(sqlite_urls: Urls) -> None:
    class OutOfStock(Exception):
        pass

    app = shop(sqlite_urls)

    @app.exception_handler(OutOfStock)
    async def out(request: Request, error: OutOfStock) -> JSONResponse:
        return JSONResponse({"stock": 0}, 409)

    @app.get("/buy")
    async def buy() -> None:
        raise OutOfStock

    async with visiting(app) as client:
        assert (await client.get("/buy")).json() == {"stock": 0}


async def test_something_away_is_503_with_retry_after(sqlite_urls: Urls) -> None:
    app = shop(sqlite_urls)

    @app.get("/away")
    async def away() -> None:
        raise Unavailable("Not now.", retry_after=7)

    async with visiting(app) as client:
        answer = await client.get("/away")
        is_problem(answer, 503, "unavailable")
        assert answer.headers["retry-after"] == "7"
