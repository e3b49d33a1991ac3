"""The figures of one process: those of requests, those that look at something, and the app's own."""

import logging
import re
from bisect import bisect_left
from collections.abc import Callable, Sequence
from threading import Lock
from typing import TypeVar

from mainstay.base.errors import ConfigurationError
from mainstay.telemetry.metrics.families import Family, How, Kind, Sample
from mainstay.telemetry.metrics.requests import BOUNDS, RequestFigures
from mainstay.telemetry.ports import Look

log = logging.getLogger("mainstay.telemetry")
NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
LABEL = re.compile(r"(?!__)[a-zA-Z_][a-zA-Z0-9_]*")
# A label filled with ids would fill the memory, here and in Prometheus.
MOST_SERIES = 1000
# What is over that is told under this value of every label.
REST = "other"
C = TypeVar("C", bound="Figure")


class Figure:
    """One name with its labels; values are given by position, as text."""

    kind: Kind = "gauge"

    def __init__(self, name: str, told: str, labels: tuple[str, ...], how: How, bounds: tuple[float, ...]) -> None:
        self.name, self.help, self.labels, self.how, self.bounds = name, told, labels, how, bounds
        self._samples: dict[tuple[str, ...], Sample] = {}
        self._lock = Lock()

    def family(self) -> Family:
        """The values as they are now."""
        with self._lock:
            samples = [Sample(each.labels, each.value, list(each.counts)) for each in self._samples.values()]
        return Family(self.name, self.kind, self.help, self.labels, samples, self.bounds, self.how)

    def _sample(self, labels: tuple[str, ...]) -> Sample:
        # Called under the lock.
        sample = self._samples.get(labels)
        if sample is not None:
            return sample
        if len(labels) != len(self.labels):
            raise TypeError(f"{self.name} takes the labels {', '.join(self.labels) or 'none'}.")
        if len(self._samples) >= MOST_SERIES:
            labels = tuple(REST for _ in labels)
        return self._samples.setdefault(labels, Sample(labels, 0.0, self._no_counts()))

    def _no_counts(self) -> list[int]:
        return []


class Counter(Figure):
    """Something that only grows. Its name ends in `_total`."""

    kind = "counter"

    def add(self, *labels: str, by: float = 1.0) -> None:
        """Count. Raises ValueError for less than nothing, TypeError for another number of labels."""
        if by < 0:
            raise ValueError(f"{self.name} only grows.")
        with self._lock:
            self._sample(labels).value += by

    def reach(self, total: float, *labels: str) -> None:
        """What was counted elsewhere in this process since its start; a smaller total than before changes nothing."""
        with self._lock:
            sample = self._sample(labels)
            sample.value = max(sample.value, total)


class Gauge(Figure):
    """Something that goes up and down."""

    def set(self, value: float, *labels: str) -> None:
        with self._lock:
            self._sample(labels).value = value

    def forget(self) -> None:
        """No value, until the next is set."""
        with self._lock:
            self._samples.clear()


class Histogram(Figure):
    """How values spread over buckets, whose upper bounds are given."""

    kind = "histogram"

    def observe(self, value: float, *labels: str) -> None:
        with self._lock:
            sample = self._sample(labels)
            sample.value += value
            sample.counts[bisect_left(self.bounds, value)] += 1

    def _no_counts(self) -> list[int]:
        return [0] * (len(self.bounds) + 1)


class Metrics:
    """Every figure of this process.

    A name is made once: asked for again with the same kind and labels, the same figure is given.
    """

    def __init__(self) -> None:
        self.requests = RequestFigures()
        self._figures: dict[str, Figure] = {}
        self._looks: list[Look] = []
        self._sources: list[Callable[[], Sequence[Family]]] = []

    def counter(self, name: str, told: str, labels: Sequence[str] = ()) -> Counter:
        """A counter; `told` is its line of help. Raises ConfigurationError for a name that Prometheus refuses."""
        if not name.endswith("_total"):
            raise ConfigurationError(f"The counter {name} has no ending that says so.", fix=f"Call it {name}_total.")
        return self._made(Counter, name, told, labels, "sum", ())

    def gauge(self, name: str, told: str, labels: Sequence[str] = (), *, how: How = "sum") -> Gauge:
        """A gauge; `how` says what becomes of the values of several processes."""
        return self._made(Gauge, name, told, labels, how, ())

    def histogram(
        self, name: str, told: str, labels: Sequence[str] = (), *, bounds: Sequence[float] = BOUNDS
    ) -> Histogram:
        """A histogram; `bounds` rise, without infinity."""
        if not bounds or list(bounds) != sorted(set(bounds)) or float("inf") in bounds:
            raise ConfigurationError(f"The bounds of {name} do not rise.", fix="Give rising numbers, without infinity.")
        return self._made(Histogram, name, told, labels, "sum", tuple(float(bound) for bound in bounds))

    def look(self, look: Look) -> None:
        """Run this before figures are told. It is quick and does not wait."""
        self._looks.append(look)

    def source(self, families: Callable[[], Sequence[Family]]) -> None:
        """Tell these as well: figures that are kept elsewhere."""
        self._sources.append(families)

    def families(self) -> list[Family]:
        """Everything as it is now. A look that raises is logged and costs its own figures only."""
        for look in self._looks:
            try:
                look()
            except Exception:
                log.exception("figures could not be looked at")
        found = [*self.requests.families(), *(figure.family() for figure in list(self._figures.values()))]
        known = {family.name for family in found}
        for source in self._sources:
            try:
                found += [family for family in source() if family.name not in known]
            except Exception:
                log.exception("figures could not be fetched")
        return found

    def _made(
        self, kind: type[C], name: str, told: str, labels: Sequence[str], how: How, bounds: tuple[float, ...]
    ) -> C:
        if not NAME.fullmatch(name):
            raise ConfigurationError(f"{name!r} is no name for a figure.", fix="Use letters, digits and underscores.")
        for label in labels:
            if not LABEL.fullmatch(label) or label == "le":
                raise ConfigurationError(
                    f"{label!r} is no name for a label of {name}.", fix="Use letters, digits and _."
                )
        known = self._figures.get(name)
        if known is None:
            known = self._figures[name] = kind(name, told, tuple(labels), how, bounds)
        if type(known) is not kind or (known.labels, known.bounds) != (tuple(labels), bounds):
            raise ConfigurationError(
                f"There is a figure {name} already, of another kind or with other labels.", fix="Choose another name."
            )
        return known
