"""Figures that an app keeps with prometheus-client: told beside ours, and added up over processes like them."""

import itertools
from collections.abc import Sequence

from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.metrics_core import Metric

from mainstay.telemetry.metrics.families import Family, Sample

# What prometheus-client says of the process by itself; ours says it already.
OURS = ("process_", "python_")


def families_of(registry: CollectorRegistry = REGISTRY) -> Sequence[Family]:
    """Counters, gauges and histograms of the registry; summaries and the like have no sum over processes."""
    found = []
    for metric in registry.collect():
        if metric.name.startswith(OURS):
            continue
        if metric.type in ("counter", "gauge"):
            found += _plain(metric)
        elif metric.type == "histogram":
            found += _histogram(metric)
    return found


def _plain(metric: Metric) -> list[Family]:
    name = f"{metric.name}_total" if metric.type == "counter" else metric.name
    samples = [each for each in metric.samples if each.name == name]
    if not samples:
        return []
    labels = tuple(samples[0].labels)
    kept = [Sample(tuple(each.labels[label] for label in labels), float(each.value)) for each in samples]
    return [Family(name, "counter" if metric.type == "counter" else "gauge", metric.documentation, labels, kept)]


def _histogram(metric: Metric) -> list[Family]:
    buckets: dict[tuple[str, ...], list[tuple[float, float]]] = {}
    sums: dict[tuple[str, ...], float] = {}
    labels: tuple[str, ...] = ()
    for each in metric.samples:
        labels = tuple(label for label in each.labels if label != "le")
        values = tuple(each.labels[label] for label in labels)
        if each.name.endswith("_bucket"):
            buckets.setdefault(values, []).append((float(each.labels["le"]), float(each.value)))
        elif each.name.endswith("_sum"):
            sums[values] = float(each.value)
    if not buckets:
        return []
    bounds: tuple[float, ...] = ()
    kept = []
    for values, counted in buckets.items():
        bounds = tuple(bound for bound, _ in counted[:-1])
        upto = [0.0, *(count for _, count in counted)]
        counts = [int(after - before) for before, after in itertools.pairwise(upto)]
        kept.append(Sample(values, sums.get(values, 0.0), counts))
    return [Family(metric.name, "histogram", metric.documentation, labels, kept, bounds)]
