"""Figures: counted by template, bounded, told as Prometheus reads them."""

from collections.abc import Iterable
from typing import Any

import pytest
from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client import Counter as TheirCounter
from prometheus_client import Gauge as TheirGauge
from prometheus_client import Histogram as TheirHistogram
from prometheus_client.parser import text_string_to_metric_families

from mainstay.base.errors import ConfigurationError
from mainstay.telemetry import Metrics, MetricsOptions, Telemetry, TelemetryOptions
from mainstay.telemetry.engines.prometheus import families_of  # house: door: an engine behind the room's options
from mainstay.telemetry.metrics.families import Family, exposition  # house: door: what Prometheus is told

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def read(text: bytes) -> Samples:
    """What Prometheus' own reader makes of it."""
    found: Samples = {}
    for family in text_string_to_metric_families(text.decode()):
        for sample in family.samples:
            key = sample.name, frozenset(sample.labels.items())
            assert key not in found, f"{key} is told twice"
            found[key] = sample.value
    return found


def told(families: Iterable[Family]) -> Samples:
    return read(exposition(families))


def at(name: str, **labels: str) -> tuple[str, frozenset[tuple[str, str]]]:
    return name, frozenset(labels.items())


def ask(telemetry: Telemetry, route: str | None = None, *, method: str = "GET", status: int = 200, took: float = 0.002,
        path: str = "/x") -> None:  # fmt: skip
    scope: dict[str, Any] = {"method": method, "path": path, "headers": []}
    telemetry.observer.started(scope)
    if route is not None:
        scope["mainstay.route"] = route
    telemetry.observer.finished(scope, status, took)


async def test_requests_are_counted_by_method_template_and_status() -> None:
    telemetry = Telemetry()
    for took in (0.0005, 0.002, 0.3):
        ask(telemetry, "/books/{id}", took=took)
    ask(telemetry, "/books/{id}", status=404)
    ask(telemetry, "/books", method="POST", status=201)
    seen = read(await telemetry.exposition())
    book = {"method": "GET", "route": "/books/{id}", "status": "200"}
    assert seen[at("mainstay_http_requests_total", **book)] == 3
    assert seen[at("mainstay_http_requests_total", method="GET", route="/books/{id}", status="404")] == 1
    assert seen[at("mainstay_http_requests_total", method="POST", route="/books", status="201")] == 1
    name = "mainstay_http_request_duration_seconds"
    assert seen[at(f"{name}_bucket", **book, le="0.001")] == 1
    assert seen[at(f"{name}_bucket", **book, le="0.0025")] == 2
    assert seen[at(f"{name}_bucket", **book, le="+Inf")] == 3
    assert seen[at(f"{name}_count", **book)] == 3
    assert seen[at(f"{name}_sum", **book)] == pytest.approx(0.3025)


async def test_what_callers_choose_cannot_grow_the_table() -> None:
    telemetry = Telemetry()
    for number in range(5000):
        ask(telemetry, path=f"/guess/{number}", status=404)
        ask(telemetry, method=f"METHOD{number}", status=405)
        ask(telemetry, "/books", method=f"METHOD{number}", status=405)
    seen = read(await telemetry.exposition())
    counted = {key: value for key, value in seen.items() if key[0] == "mainstay_http_requests_total"}
    assert counted == {
        at("mainstay_http_requests_total", method="GET", route="unmatched", status="404"): 5000,
        at("mainstay_http_requests_total", method="other", route="unmatched", status="405"): 5000,
        at("mainstay_http_requests_total", method="other", route="/books", status="405"): 5000,
    }
    assert len(telemetry.metrics.requests.known) == 0


async def test_an_app_that_makes_routes_as_it_runs_is_bounded() -> None:
    telemetry = Telemetry()
    for number in range(3000):
        ask(telemetry, f"/made/{number}")
    seen = read(await telemetry.exposition())
    counted = {key: value for key, value in seen.items() if key[0] == "mainstay_http_requests_total"}
    assert len(counted) <= 1000
    assert counted[at("mainstay_http_requests_total", method="GET", route="other", status="200")] >= 2000
    assert sum(counted.values()) == 3000


async def test_requests_in_flight_go_up_and_down() -> None:
    telemetry = Telemetry()
    scopes: list[dict[str, Any]] = [{"method": "GET", "path": "/", "headers": []} for _ in range(3)]
    for scope in scopes:
        telemetry.observer.started(scope)
    assert read(await telemetry.exposition())[at("mainstay_http_requests_in_flight")] == 3
    for scope in reversed(scopes):
        telemetry.observer.finished(scope, 200, 0.1)
    assert read(await telemetry.exposition())[at("mainstay_http_requests_in_flight")] == 0


async def test_the_process_and_its_machine_are_told_of() -> None:
    seen = read(await Telemetry().exposition())
    for name in ("process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds", "process_max_fds",
                 "process_start_time_seconds", "mainstay_host_memory_bytes", "mainstay_host_cpus"):  # fmt: skip
        assert seen[at(name)] > 0, name
    assert seen[at("process_start_time_seconds")] > 1.6e9
    assert seen[at("mainstay_workers")] == 1


async def test_an_apps_own_figures_are_told_beside_ours() -> None:
    telemetry = Telemetry()
    metrics = telemetry.metrics
    metrics.counter("orders_total", "Orders taken.", ["channel"]).add('we"b\\\n')
    metrics.counter("orders_total", "Orders taken.", ["channel"]).add('we"b\\\n', by=2)
    metrics.gauge("basket", "Open baskets.").set(-1.5)
    metrics.histogram("size", "Items.", bounds=[1, 10]).observe(3)
    seen = read(await telemetry.exposition())
    assert seen[at("orders_total", channel='we"b\\\n')] == 3
    assert seen[at("basket")] == -1.5
    assert [seen[at("size_bucket", le=bound)] for bound in ("1", "10", "+Inf")] == [0, 1, 1]


def test_figures_that_prometheus_would_refuse_are_refused_here() -> None:
    metrics = Metrics()
    metrics.gauge("basket", "Open baskets.")
    for make in (
        lambda: metrics.counter("orders", "No ending."),
        lambda: metrics.gauge("bas ket", "A space."),
        lambda: metrics.gauge("shelf", "A label of Prometheus' own.", ["__name"]),
        lambda: metrics.histogram("size", "A label of histograms.", ["le"]),
        lambda: metrics.histogram("size", "Bounds fall.", bounds=[2, 1]),
        lambda: metrics.gauge("basket", "With other labels.", ["kind"]),
    ):
        with pytest.raises(ConfigurationError):
            make()
    with pytest.raises(ValueError, match="only grows"):
        metrics.counter("orders_total", "Orders.").add(by=-1)
    with pytest.raises(TypeError, match="takes the labels channel"):
        metrics.counter("sales_total", "Sales.", ["channel"]).add()


def test_a_label_filled_with_ids_is_bounded() -> None:
    metrics = Metrics()
    orders = metrics.counter("orders_total", "Orders.", ["customer"])
    for number in range(1500):
        orders.add(str(number))
    seen = told([orders.family()])
    assert len(seen) == 1001
    assert seen[at("orders_total", customer="other")] == 500


def test_figures_of_prometheus_client_are_read_as_they_are() -> None:
    registry = CollectorRegistry()
    TheirCounter("theirs", "Counted.", ["kind"], registry=registry).labels("a").inc(4)
    TheirGauge("level", "Set.", registry=registry).set(7)
    histogram = TheirHistogram("took", "Seconds.", ["kind"], registry=registry, buckets=(1.0, 5.0))
    for value in (0.5, 3.0, 9.0):
        histogram.labels("b").observe(value)
    seen = told(families_of(registry))
    assert seen[at("theirs_total", kind="a")] == 4
    assert seen[at("level")] == 7
    assert [seen[at("took_bucket", kind="b", le=bound)] for bound in ("1", "5", "+Inf")] == [1, 2, 3]
    assert seen[at("took_sum", kind="b")] == 12.5


async def test_what_is_kept_in_their_registry_is_told_beside_ours() -> None:
    gauge = TheirGauge("kept_by_prometheus_client", "Set.")
    try:
        gauge.set(5)
        assert read(await Telemetry().exposition())[at("kept_by_prometheus_client")] == 5
    finally:
        REGISTRY.unregister(gauge)


async def test_figures_that_cannot_be_looked_at_cost_only_themselves() -> None:
    telemetry = Telemetry()

    def broken() -> None:
        raise ZeroDivisionError

    async def away() -> None:
        raise ConnectionError

    telemetry.metrics.look(broken)
    telemetry.look(away)
    ask(telemetry, "/books")
    seen = read(await telemetry.exposition())
    assert seen[at("mainstay_http_requests_total", method="GET", route="/books", status="200")] == 1


async def test_without_figures_nothing_is_counted() -> None:
    telemetry = Telemetry(TelemetryOptions(metrics=MetricsOptions(on=False)))
    ask(telemetry, "/books")
    assert not [key for key in read(await telemetry.exposition()) if key[0] == "mainstay_http_requests_total"]
