"""Telemetry meets limits: how many requests were let through and turned away, and whether the count is shared."""

from collections.abc import Callable, Mapping

from mainstay.telemetry import Telemetry


def count_limits(telemetry: Telemetry, figures: Callable[[], Mapping[str, int]]) -> None:
    """Tell of what the limiter counted, whenever figures are asked for."""
    metrics = telemetry.metrics
    requests = metrics.counter(
        "mainstay_limit_requests_total",
        "Requests by what the limits made of them; unshared ones were admitted while the store was away.",
        ["outcome"],
    )
    outages = metrics.counter("mainstay_limit_outages_total", "How often the limits' store went away.")
    away = metrics.gauge("mainstay_limit_away", "Whether the limits' store is away: 1 or 0.", how="max")
    budgets = metrics.gauge("mainstay_limit_budgets", "Callers whose budgets are in memory.")

    def look() -> None:
        found = figures()
        for outcome in ("admitted", "refused", "unshared"):
            requests.reach(found[outcome], outcome)
        outages.reach(found["outages"])
        away.set(found["away"])
        budgets.set(found["budgets"])

    metrics.look(look)
