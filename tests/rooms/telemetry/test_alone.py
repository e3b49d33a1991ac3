"""The room in a plain FastAPI app, as its door says."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

import httpx
from fastapi import APIRouter, FastAPI, Header, HTTPException
from starlette.routing import Mount

from mainstay.telemetry import (
    LogOptions,
    MetricsOptions,
    Observed,
    Telemetry,
    TelemetryOptions,
    health_routes,
    metrics_routes,
)
from tests.rooms.telemetry.conftest import Kept, at_the_root
from tests.rooms.telemetry.test_metrics import at, read


async def key(x_key: Annotated[str, Header()] = "") -> None:
    if x_key != "open":
        raise HTTPException(403)


def plain_app(telemetry: Telemetry) -> FastAPI:
    app = FastAPI()
    app.add_middleware(Observed, telemetry=telemetry)
    shelves = APIRouter(prefix="/shelves/{shelf}")

    @shelves.get("/books/{id}")
    async def book(shelf: str, id: int) -> int:
        return id

    @app.get("/slow")
    async def slow() -> None:
        await asyncio.sleep(60)

    inner = FastAPI()

    @inner.get("/things/{id}")
    async def thing(id: int) -> int:
        return id

    app.include_router(shelves, prefix="/v1")
    app.router.routes.append(Mount("/inner/{tenant}", inner))
    app.include_router(metrics_routes(telemetry, key))

    async def ping() -> None:
        return

    app.include_router(health_routes(lambda: {"database": ping}))
    return app


@asynccontextmanager
async def visiting(telemetry: Telemetry) -> AsyncIterator[httpx.AsyncClient]:
    app = plain_app(telemetry)
    transport = httpx.ASGITransport(app)
    async with at_the_root(telemetry), httpx.AsyncClient(transport=transport, base_url="http://shop") as client:
        yield client


async def test_lines_figures_and_health_in_a_plain_app(kept: Kept) -> None:
    telemetry = Telemetry(TelemetryOptions(LogOptions("json")), stream=kept)
    async with visiting(telemetry) as client:
        answer = await client.get("/v1/shelves/a/books/7?password=hunter2")
        assert (await client.get("/nothing")).status_code == 404
        assert (await client.get("/inner/tenant-7/things/8")).json() == 8
        assert (await client.get("/health/database")).json()["status"] == "ok"
        assert (await client.get("/metrics")).status_code == 403
        seen = read((await client.get("/metrics", headers={"X-Key": "open"})).content)
    line = next(entry for entry in kept.entries if entry["event"] == "request")
    assert (line["path"], line["status"]) == ("/v1/shelves/a/books/7", 200)
    assert line["route"] == "/v1/shelves/{shelf}/books/{id}"
    assert line["request_id"] == answer.headers["x-request-id"]
    assert "hunter2" not in "".join(kept.lines)
    routes = {dict(labels)["route"] for name, labels in seen if name == "mainstay_http_requests_total"}
    assert "/v1/shelves/{shelf}/books/{id}" in routes
    assert "unmatched" in routes
    assert not any("tenant-7" in route or "a/books" in route for route in routes)
    assert seen[at("mainstay_http_requests_in_flight")] == 1


async def test_a_request_that_is_given_up_is_counted_once_and_over() -> None:
    telemetry = Telemetry(TelemetryOptions(LogOptions("off"), MetricsOptions()))
    async with visiting(telemetry) as client:
        task = asyncio.create_task(client.get("/slow"))
        async with asyncio.timeout(5):
            while telemetry.metrics.requests.in_flight == 0:
                await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.wait([task])
        seen = read(await telemetry.exposition())
    assert seen[at("mainstay_http_requests_in_flight")] == 0
    assert seen[at("mainstay_http_requests_total", method="GET", route="/slow", status="499")] == 1
