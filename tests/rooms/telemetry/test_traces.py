"""Traces as a receiver sees them: sampled before any span is made, joined to what came before, silent when off."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from opentelemetry import trace

from mainstay.base.errors import ConfigurationError
from mainstay.telemetry import LogOptions, Observed, Telemetry, TelemetryOptions, TraceOptions
from tests.rooms.telemetry.conftest import Kept, at_the_root
from tests.rooms.telemetry.receiver import Receiver, receiving

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
PARENT = f"00-{TRACE}-{SPAN}-01"
NOT_SAMPLED = f"00-{TRACE}-{SPAN}-00"


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    with receiving() as receiver:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-api=key")
        monkeypatch.setenv("OTEL_SERVICE_NAME", "shop")
        yield receiver


def tracing(ratio: float, **options: Any) -> Telemetry:
    return Telemetry(TelemetryOptions(LogOptions("off"), trace=TraceOptions(ratio, **options)))


def app_of(telemetry: Telemetry) -> FastAPI:
    # FastAPI's own telemetry would tell of every request a second time.
    app = FastAPI(telemetry={"tracing": False, "metrics": False, "logs": False})
    app.add_middleware(Observed, telemetry=telemetry)

    @app.get("/books/{id}")
    async def book(id: int) -> dict[str, Any]:
        telemetry.ran("SELECT title FROM books WHERE id = ?", "sqlite", 0.002, planned=True)
        telemetry.ran("SELECT title FROM books WHERE title = 'hunter2'", "sqlite", 0.001, planned=False)
        carrier: dict[str, str] = {}
        telemetry.carry(carrier)
        with trace.get_tracer("shop").start_as_current_span("price"):
            telemetry.ran("SELECT price FROM prices", "sqlite", 0.001, planned=True)
        return carrier

    @app.get("/broken")
    async def broken() -> None:
        raise ZeroDivisionError("the password is hunter2")

    return app


@asynccontextmanager
async def visiting(telemetry: Telemetry) -> AsyncIterator[httpx.AsyncClient]:
    app = app_of(telemetry)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with telemetry.running(), httpx.AsyncClient(transport=transport, base_url="http://shop") as client:
        yield client


async def test_a_request_and_its_statements_are_one_trace(receiver: Receiver) -> None:
    async with visiting(tracing(1.0)) as client:
        answer = await client.get("/books/7?token=s3cret")
    assert len(receiver.spans) == 5, "no spans of sending and receiving, and none of FastAPI's own"
    request = receiver.named("GET /books/{id}")
    # The trace is called as the request is, so that whoever has one id has the other.
    assert request.trace_id == answer.headers["x-request-id"]
    assert (request.kind, request.parent, request.failed) == (2, "", False)
    assert request.attributes["http.route"] == "/books/{id}"
    assert request.attributes["http.response.status_code"] == 200
    assert request.attributes["url.path"] == "/books/7"
    assert "s3cret" not in request.raw
    planned, own = [each for each in receiver.spans if each.name == "SELECT books"]
    assert {planned.parent, own.parent} == {request.span_id}
    assert planned.attributes["db.query.text"] == "SELECT title FROM books WHERE id = ?"
    assert planned.attributes["db.system.name"] == "sqlite"
    assert 1.5e6 < planned.end - planned.start < 2.5e6
    # The text of the user's own statement may hold values.
    assert "db.query.text" not in own.attributes
    assert "hunter2" not in own.raw
    assert receiver.named("SELECT prices").parent == receiver.named("price").span_id
    assert {each.trace_id for each in receiver.spans} == {request.trace_id}
    assert request.resource["service.name"] == "shop"
    assert receiver.headers[0]["x-api"] == "key"


async def test_a_traced_caller_is_followed_whatever_the_ratio(receiver: Receiver) -> None:
    async with visiting(tracing(0.0)) as client:
        answer = await client.get("/books/7", headers={"traceparent": PARENT, "tracestate": "vendor=1"})
        sent_on = answer.json()["traceparent"]
    request = receiver.named("GET /books/{id}")
    assert (request.trace_id, request.parent) == (TRACE, SPAN)
    assert sent_on == f"00-{TRACE}-{request.span_id}-01"
    assert answer.json()["tracestate"] == "vendor=1"


async def test_a_caller_that_is_not_traced_is_not_traced_here(receiver: Receiver) -> None:
    async with visiting(tracing(1.0)) as client:
        answer = await client.get("/books/7", headers={"traceparent": NOT_SAMPLED})
    assert receiver.spans == []
    version, trace_id, span_id, flags = answer.json()["traceparent"].split("-")
    assert (version, trace_id, flags) == ("00", TRACE, "00")
    assert span_id != SPAN


async def test_without_a_sample_there_is_no_span_at_all(receiver: Receiver) -> None:
    async with visiting(tracing(0.0)) as client:
        answer = await client.get("/books/7")
        assert (
            answer.json()["traceparent"]
            == f"00-{answer.headers['x-request-id']}-{answer.json()['traceparent'][36:52]}-00"
        )
    assert receiver.spans == []


async def test_the_share_that_was_asked_for_is_traced(receiver: Receiver) -> None:
    telemetry = tracing(0.25)
    async with telemetry.running():
        for _ in range(2000):
            scope: dict[str, Any] = {"method": "GET", "path": "/", "headers": [], "mainstay.request_id": ""}
            telemetry.observer.started(scope)
            telemetry.observer.finished(scope, 200, 0.0)
    # Five standard deviations either way.
    assert 400 < len(receiver.spans) < 600


async def test_strangers_cannot_have_everything_traced(receiver: Receiver) -> None:
    async with visiting(tracing(0.0, followed=3)) as client:
        for _ in range(20):
            await client.get("/nothing", headers={"traceparent": PARENT})
    # Three a second; the test may see the beginning of another second or two.
    assert 3 <= len(receiver.spans) <= 12


async def test_what_breaks_is_marked_by_its_kind_and_not_by_its_words(receiver: Receiver) -> None:
    async with visiting(tracing(1.0)) as client:
        assert (await client.get("/broken")).status_code == 500
        assert (await client.get("/nothing")).status_code == 404
    broken = receiver.named("GET /broken")
    assert broken.failed
    assert broken.attributes["error.type"] in ("ZeroDivisionError", "500")
    assert "hunter2" not in broken.raw
    assert not receiver.named("GET").failed


async def test_log_lines_carry_the_trace_whether_it_is_sampled_or_not(receiver: Receiver, kept: Kept) -> None:
    telemetry = Telemetry(TelemetryOptions(LogOptions("json"), trace=TraceOptions(0.0)), stream=kept)
    scope: dict[str, Any] = {"method": "GET", "path": "/", "headers": [(b"traceparent", NOT_SAMPLED.encode())]}
    async with at_the_root(telemetry):
        telemetry.observer.started(scope)
        logging.getLogger("shop").warning("here")
        telemetry.access_log.finished(scope, 200, 0.1)
        telemetry.observer.finished(scope, 200, 0.1)
    assert [entry["trace_id"] for entry in kept.entries] == [TRACE, TRACE]


async def test_requests_at_the_same_time_keep_their_traces_apart(receiver: Receiver) -> None:
    async with visiting(tracing(1.0)) as client:
        answers = await asyncio.gather(*(client.get(f"/books/{number}") for number in range(20)))
    by_trace: dict[str, int] = {}
    for span in receiver.spans:
        by_trace[span.trace_id] = by_trace.get(span.trace_id, 0) + 1
    assert by_trace == {answer.headers["x-request-id"]: 5 for answer in answers}


async def test_the_context_is_as_before_when_a_request_ends(receiver: Receiver) -> None:
    telemetry = tracing(1.0)
    async with telemetry.running():
        for headers in ([], [(b"traceparent", NOT_SAMPLED.encode())]):
            scope: dict[str, Any] = {"method": "GET", "path": "/", "headers": headers}
            telemetry.observer.started(scope)
            assert trace.get_current_span().get_span_context().is_valid
            telemetry.observer.finished(scope, 200, 0.0)
            assert not trace.get_current_span().get_span_context().is_valid
            assert not telemetry.follows()


async def test_a_receiver_that_is_away_costs_nobody_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    began = asyncio.get_running_loop().time()
    async with visiting(tracing(1.0, last_seconds=0.3)) as client:
        assert (await client.get("/books/7")).status_code == 200
    assert asyncio.get_running_loop().time() - began < 9, "10 s are what an exporter waits by itself"


async def test_exporters_that_are_not_there_are_told_in_a_sentence() -> None:
    with pytest.raises(ConfigurationError, match="OTEL_EXPORTER_OTLP_PROTOCOL is grpc"):
        await tracing(1.0, protocol="grpc").open()
    with pytest.raises(ConfigurationError, match="names zipkin"):
        await tracing(1.0, exporter="zipkin").open()
