"""Telemetry meets calls to other programs: how they ended, how long they took, and whether the services are well."""

from collections.abc import Mapping
from functools import partial

from mainstay.outbound import Outbound
from mainstay.telemetry import Probe, Telemetry


def count_outbound(telemetry: Telemetry, outbound: Outbound) -> None:
    """Tell of what was counted for each service, whenever figures are asked for."""
    metrics = telemetry.metrics
    calls = metrics.counter(
        "mainstay_outbound_calls_total",
        "Calls to services by how they ended: 2xx to 5xx, away, late, given_up.",
        ["service", "outcome"],
    )
    retries = metrics.counter("mainstay_outbound_retries_total", "Attempts after the first.", ["service"])
    tokens = metrics.counter("mainstay_outbound_tokens_total", "Access tokens fetched for a service.", ["service"])
    in_flight = metrics.gauge("mainstay_outbound_in_flight", "Calls in flight.", ["service"])
    seconds = metrics.counter("mainstay_outbound_seconds_total", "Seconds that calls took until headers.", ["service"])

    def look() -> None:
        for name, figures in outbound.figures().items():
            for outcome, count in figures.calls.items():
                calls.reach(count, name, outcome)
            retries.reach(figures.retries, name)
            tokens.reach(figures.tokens, name)
            seconds.reach(figures.seconds, name)
            in_flight.set(figures.in_flight, name)

    metrics.look(look)


def service_probes(outbound: Outbound) -> Mapping[str, Probe]:
    """Of the services that have a path to ask."""
    names = [name for name in outbound.names if outbound.service(name).health]
    return {f"outbound.{name}": partial(outbound.probe, name) for name in names}
