"""Telemetry meets the cache: what was found in it, and what had to be computed."""

from mainstay.cache import Cache
from mainstay.telemetry import Telemetry


def count_cache(telemetry: Telemetry, cache: Cache) -> None:
    """Tell of what the cache counted, whenever figures are asked for."""
    asked = telemetry.metrics.counter(
        "mainstay_cache_total",
        "What came of asking the cache: hit, fill (computed), joined (waited for another's fill), refused (void before "
        "it was kept), away (the store did not answer).",
        ["outcome"],
    )

    def look() -> None:
        counts = cache.counts
        asked.reach(counts.hits, "hit")
        asked.reach(counts.fills, "fill")
        asked.reach(counts.joined, "joined")
        asked.reach(counts.refused, "refused")
        asked.reach(counts.away, "away")

    telemetry.metrics.look(look)
