"""Telemetry in a whole app, on both databases: statements, scopes, figures of the database, details of health."""

import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from sqlalchemy import select, text

from mainstay import Mainstay
from mainstay.base.tenant import DEFAULT_TENANT
from mainstay.storage.sql import unsafe
from mainstay.testing import Backend
from tests.databases import Urls
from tests.journeys.shop import PASSWORD, Author, a_book, settings_for, shop, signed_in_as
from tests.rooms.telemetry.receiver import receiving
from tests.rooms.telemetry.test_metrics import at, read


@asynccontextmanager
async def serving(app: Mainstay) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the app as a server opens it."""
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop") as client,
    ):
        yield client


def with_own_statements(app: Mainstay) -> Mainstay:
    @app.get("/own")
    async def own() -> int:
        async with app.session() as session:
            await session.scalars(select(Author).where(Author.name == "hunter2 by the ORM"))
            sql = "SELECT 'hunter2 FROM secrets' FROM authors WHERE name = 'hunter2' AND tenant_id = :tenant"
            await session.execute(unsafe(text(sql)))
        return 1

    @app.get("/own-sync")
    def own_sync() -> int:
        with app.sync_session() as session:
            session.scalars(select(Author).where(Author.name == "hunter2")).all()
        return 1

    return app


async def test_slow_statements_are_named_and_their_values_never(urls: Urls, caplog: pytest.LogCaptureFixture) -> None:
    app = with_own_statements(shop(urls, settings=settings_for(urls, slow_statement=1e-9)))
    slow = logging.getLogger("mainstay.slow")
    async with serving(app) as client:
        headers = await signed_in_as(client)
        slow._cache.clear()  # type: ignore[attr-defined]  # what pytest's own handlers made of its level
        app.rooms.telemetry._slow._second = 0
        caplog.clear()
        await a_book(client, headers, title="hunter2", published=True)
        for path in ("/api/v1/books?title.contains=hunter2", "/own", "/own-sync"):
            assert (await client.get(path, headers=headers)).status_code == 200
        seen = read(await app.rooms.telemetry.exposition())
    told = [vars(record) for record in caplog.records if record.name == "mainstay.slow"]
    assert "hunter2" not in json.dumps(told, default=str)
    names = {name for family, labels in seen if family == "mainstay_database_slow_statements_total"
             for _, name in labels}  # fmt: skip
    assert {"SELECT books", "SELECT authors"} <= names
    assert any(name.startswith("transaction ") for name in names)
    assert not any("hunter2" in name or "secrets" in name for name in names)
    assert told[0]["duration_ms"] >= 0
    assert told[0]["database"] == urls.name
    assert told[0]["msg"] == "slow statement"


async def test_quick_statements_are_not_told_of(sqlite_urls: Urls, caplog: pytest.LogCaptureFixture) -> None:
    async with serving(shop(sqlite_urls, settings=settings_for(sqlite_urls, slow_statement=30))) as client:
        await a_book(client, await signed_in_as(client))
    assert [record for record in caplog.records if record.name == "mainstay.slow"] == []


async def test_a_traced_request_shows_its_statements(urls: Urls, monkeypatch: pytest.MonkeyPatch) -> None:
    with receiving() as receiver:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url)
        app = with_own_statements(shop(urls, settings=settings_for(urls, trace_ratio=1.0)))
        async with serving(app) as client:
            headers = await signed_in_as(client)
            book = await a_book(client, headers, title="hunter2", published=True)
            listed = await client.get(f"/api/v1/books/{book['id']}", headers=headers)
            paged = await client.get("/api/v1/books?title=hunter2&limit=3", headers=headers)
            again = await client.get("/api/v1/books?title=hunter2&limit=3", headers=headers)
            own = await client.get("/own", headers=headers)
    assert "hunter2" not in "".join(each.raw for each in receiver.spans)

    def below(answer: httpx.Response) -> list[str]:
        trace = [each for each in receiver.spans if each.trace_id == answer.headers["x-request-id"]]
        (request,) = [each for each in trace if each.kind == 2]
        assert all(each.parent == request.span_id for each in trace if each is not request)
        return sorted(each.name for each in trace if each is not request)

    assert below(listed) == ["SELECT books"]
    assert below(paged) == below(again) == ["SELECT books"]
    assert below(own).count("SELECT authors") == 2
    (created,) = [each for each in receiver.spans if each.name == "POST /api/v1/books"]
    inside = [each for each in receiver.spans if each.parent == created.span_id]
    assert any(each.name == "INSERT books" for each in inside), [each.name for each in inside]
    assert any(each.name.startswith("transaction ") for each in inside)
    # One span for a request: none of FastAPI's own, none of sending and receiving.
    assert len([each for each in receiver.spans if each.name == "POST /api/v1/books"]) == 1
    assert created.attributes["mainstay.tenant"] == str(DEFAULT_TENANT)


async def test_statements_of_requests_that_are_not_sampled_are_not_told_of(
    sqlite_urls: Urls, monkeypatch: pytest.MonkeyPatch
) -> None:
    with receiving() as receiver:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url)
        async with serving(shop(sqlite_urls, settings=settings_for(sqlite_urls, trace_ratio=0.0))) as client:
            await a_book(client, await signed_in_as(client))
        assert receiver.spans == []


def test_figures_are_for_operators_alone(sqlite_urls: Urls) -> None:
    app = shop(sqlite_urls)
    settings = {"tenant_from": "header"}
    with Backend(
        app, database_url=sqlite_urls.database_url, system_url=sqlite_urls.system_url, settings=settings
    ) as backend:
        customer = backend.tenant("customer")
        for path in ("/metrics", "/health/detailed"):
            assert backend.client.get(path).status_code == 401
            assert backend.as_user("ada").client.get(path).status_code == 403
            # Every tenant has administrators; the process is not theirs.
            assert customer.as_user("boss", ["admin"]).client.get(path).status_code == 403
            root = backend.as_user("root", ["admin"], tenant=str(DEFAULT_TENANT))
            assert root.client.get(path).status_code == 200


def test_the_database_and_its_relay_are_told_of(urls: Urls) -> None:
    with Backend(shop(urls), database_url=urls.database_url, system_url=urls.system_url) as backend:
        root = backend.as_user("root", ["admin"]).client
        root.post("/api/v1/authors", json={"name": "Ada"})
        seen = read(root.get("/metrics").content)
        details = root.get("/health/detailed").json()
    assert seen[at("mainstay_database_up")] == 1
    assert 0 <= seen[at("mainstay_relay_lag_seconds")] < 30
    if urls.name == "sqlite":
        assert seen[at("mainstay_database_writer_queue")] == 0
        assert seen[at("mainstay_disk_free_bytes", place="database")] > 0
    else:
        assert seen[at("mainstay_database_connections", pool="requests", state="idle")] >= 1
        assert seen[at("mainstay_database_waiting", pool="requests")] == 0
    assert seen[at("mainstay_http_requests_total", method="POST", route="/api/v1/authors", status="201")] == 1
    assert details["status"] == "ok"
    assert details["components"]["database"]["status"] == "ok"
    assert details["details"]["figures"]["mainstay_workers"] == 1
    assert details["details"]["uptime_seconds"] > 0


async def test_changes_that_nobody_delivers_are_seen_to_wait(urls: Urls) -> None:
    app = shop(urls)
    async with serving(app) as client:
        await app.rooms.relay.stop()
        headers = await signed_in_as(client)
        await a_book(client, headers)
        first = read(await app.rooms.telemetry.exposition())[at("mainstay_relay_lag_seconds")]
        second = read(await app.rooms.telemetry.exposition())[at("mainstay_relay_lag_seconds")]
    assert 0 < first < second


async def test_with_a_listener_figures_are_only_there(sqlite_urls: Urls) -> None:
    app = shop(sqlite_urls, settings=settings_for(sqlite_urls, metrics_port=0))
    async with serving(app) as client:
        assert (await client.get("/metrics")).status_code == 404
        listener = app.rooms.telemetry.listener
        assert listener is not None
        async with httpx.AsyncClient() as scraper:
            answer = await scraper.get(f"http://127.0.0.1:{listener.port}/metrics")
        assert read(answer.content)[at("mainstay_database_up")] == 1


async def test_a_command_beside_the_server_takes_no_port(sqlite_urls: Urls) -> None:
    app = shop(sqlite_urls, settings=settings_for(sqlite_urls, metrics_port=0))
    async with app.running():
        assert app.rooms.telemetry.listener is None
    assert app.rooms.serving


async def test_a_database_that_is_away_costs_only_its_figures(sqlite_urls: Urls) -> None:
    app = shop(sqlite_urls)
    async with serving(app) as client:
        await client.get("/livez")
        await app.rooms.database.close()
        seen: dict[Any, float] = read(await app.rooms.telemetry.exposition())
    assert seen[at("mainstay_database_up")] == 0
    assert at("mainstay_relay_lag_seconds") not in seen
    assert PASSWORD not in str(seen)
