"""Other programs in tests of an app: answers laid ready, with all that happens around a call."""

from typing import Annotated, Any

import httpx2
import pytest
from fastapi import Depends

from mainstay import Mainstay
from mainstay.outbound import ServiceOptions
from mainstay.testing import Backend

app = Mainstay()
Rates = Annotated[
    httpx2.AsyncClient,
    Depends(app.outbound("rates", ServiceOptions(base_url="https://rates.example/v1", backoff=0.001))),
]


@app.get("/price")
async def price(rates: Rates, base: str = "EUR") -> Any:
    return (await rates.get("/latest", params={"base": base})).raise_for_status().json()


@app.get("/logo")
async def logo() -> dict[str, int]:
    return {"bytes": len((await app.rooms.outbound.fetcher.fetch("https://cdn.example/logo.png")).body)}


def test_the_app_gets_what_was_laid_ready_and_the_test_sees_what_was_asked() -> None:
    with Backend(app) as backend:
        backend.outbound.answer("rates", "/latest", json={"USD": 1.1})
        backend.outbound.answer("https://cdn.example", "/logo.png", content=b"123")
        found = backend.client.get("/price", headers={"X-Request-ID": "mine"})
        assert found.json() == {"USD": 1.1}
        assert backend.client.get("/logo").json() == {"bytes": 3}
        call = backend.outbound.calls[0]
        assert str(call.url) == "https://rates.example/v1/latest?base=EUR"
        assert call.headers["x-request-id"] == found.headers["x-request-id"]


def test_attempts_and_refusals_are_those_of_the_real_client() -> None:
    with Backend(app) as backend:
        backend.outbound.answer("rates", "/latest", status=503, times=2)
        backend.outbound.answer("rates", "/latest", json=7)
        assert backend.client.get("/price").json() == 7
        assert len(backend.outbound.calls) == 3

        def away(_: httpx2.Request) -> httpx2.Response:
            raise httpx2.ConnectError("no route")

        backend.outbound.answer("rates", "/latest", make=away)
        refused = backend.client.get("/price")
        assert (refused.status_code, refused.json()["code"]) == (503, "service_away")
        assert "no route" not in refused.text
        figures = backend.run(backend.app.rooms.telemetry.exposition).decode()
        assert 'mainstay_outbound_calls_total{service="rates",outcome="2xx"} 1' in figures


def test_what_nobody_laid_ready_fails_the_test_and_is_named() -> None:
    with Backend(app) as backend:
        backend.outbound.answer("rates", "/other")
        with pytest.raises(AssertionError, match=r"GET https://rates.example/v1/latest; laid ready is GET .*/other"):
            backend.client.get("/price")
