"""Figures on a port of their own."""

import asyncio
from pathlib import Path

import httpx
import pytest

from mainstay.base.errors import ConfigurationError
from mainstay.telemetry import LogOptions, MetricsOptions, Telemetry, TelemetryOptions
from tests.rooms.telemetry.test_metrics import ask, at, read


def listening(port: int = 0, folder: Path | None = None) -> Telemetry:
    return Telemetry(TelemetryOptions(LogOptions("off"), MetricsOptions(port=port, folder=folder)))


def port_of(telemetry: Telemetry) -> int:
    assert telemetry.listener is not None
    return telemetry.listener.port


async def raw(port: int, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    answer = await reader.read()
    writer.close()
    return answer


async def test_prometheus_is_answered_and_nobody_else() -> None:
    telemetry = listening()
    ask(telemetry, "/books")
    async with telemetry.running(), httpx.AsyncClient(base_url=f"http://127.0.0.1:{port_of(telemetry)}") as client:
        answer = await client.get("/metrics?name=x")
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
        name = at("mainstay_http_requests_total", method="GET", route="/books", status="200")
        assert read(answer.content)[name] == 1
        assert (await client.head("/metrics")).content == b""
        assert (await client.get("/")).status_code == 404
        assert (await client.get("/metrics/../etc")).status_code == 404
        assert (await client.post("/metrics", content=b"x")).status_code == 405


@pytest.mark.parametrize("request_", [b"\r\n\r\n", b"GET\r\n\r\n", b"\x00\xff\r\n\r\n", b"GET /metrics\r\n\r\n"])
async def test_nonsense_is_answered_or_hung_up_on(request_: bytes) -> None:
    telemetry = listening()
    async with telemetry.running():
        answer = await raw(port_of(telemetry), request_)
        assert answer.startswith((b"HTTP/1.1 404", b"HTTP/1.1 200"))
        assert await raw(port_of(telemetry), b"x" * 100_000) == b""


async def test_a_port_in_use_is_told_in_a_sentence() -> None:
    telemetry = listening()
    async with telemetry.running():
        with pytest.raises(ConfigurationError, match="cannot be listened at") as refused:
            await listening(port_of(telemetry)).open()
        assert "MAINSTAY_METRICS_FOLDER" in (refused.value.fix or "")


async def test_of_several_processes_one_listens_and_another_takes_its_place(tmp_path: Path) -> None:
    first = listening(folder=tmp_path)
    await first.open()
    port = port_of(first)
    second = listening(port, tmp_path)
    await second.open()
    try:
        ask(second, "/books")
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=10) as client:
            name = at("mainstay_http_requests_total", method="GET", route="/books", status="200")
            async with asyncio.timeout(60):
                while read((await client.get("/metrics")).content).get(name) != 1:
                    await asyncio.sleep(0.1)
        await first.close()
        async with asyncio.timeout(60):
            while True:
                try:
                    async with httpx.AsyncClient() as client:
                        answer = await client.get(f"http://127.0.0.1:{port}/metrics")
                        break
                except httpx.ConnectError:
                    await asyncio.sleep(0.1)
        assert read(answer.content)[name] == 1
    finally:
        await first.close()
        await second.close()
