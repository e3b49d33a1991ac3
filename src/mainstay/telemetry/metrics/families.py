"""Figures on their way to whoever scrapes them: families of samples, added up over processes, written as text."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["counter", "gauge", "histogram"]
# How the gauges of several processes become one. `here`: only the process that answers knows it.
How = Literal["sum", "max", "min", "here"]
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(slots=True)
class Sample:
    """One value under its labels; of a histogram the sum, and the count of each bucket up to +Inf."""

    labels: tuple[str, ...]
    value: float
    counts: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Family:
    """All samples of one name."""

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...]
    samples: list[Sample]
    bounds: tuple[float, ...] = ()
    how: How = "sum"

    def packed(self) -> list[Any]:
        """Plain lists and numbers, for JSON."""
        samples = [[list(each.labels), each.value, each.counts] for each in self.samples]
        return [self.name, self.kind, self.help, list(self.labels), samples, list(self.bounds), self.how]


def unpacked(packed: Sequence[Any]) -> Family:
    """What `packed` made. Raises ValueError, TypeError or IndexError for anything else."""
    name, kind, told, labels, samples, bounds, how = packed
    read = [Sample(tuple(each[0]), float(each[1]), list(each[2])) for each in samples]
    return Family(name, kind, told, tuple(labels), read, tuple(bounds), how)


def added(groups: Iterable[Iterable[Family]]) -> list[Family]:
    """The families of several processes as one. Counters and histograms are added up, gauges as they say."""
    found: dict[str, Family] = {}
    samples: dict[str, dict[tuple[str, ...], Sample]] = {}
    for group in groups:
        for family in group:
            into = found.get(family.name)
            if into is None:
                into = found[family.name] = Family(
                    family.name, family.kind, family.help, family.labels, [], family.bounds, family.how
                )
                samples[family.name] = {}
            if (into.kind, into.labels, into.bounds) != (family.kind, family.labels, family.bounds):
                # Left by another version of the program: nothing can be said of both at once.
                continue
            for sample in family.samples:
                _add(samples[family.name], sample, into)
    for name, family in found.items():
        family.samples = list(samples[name].values())
    return list(found.values())


def _add(known: dict[tuple[str, ...], Sample], sample: Sample, family: Family) -> None:
    here = known.get(sample.labels)
    if here is None:
        known[sample.labels] = Sample(sample.labels, sample.value, list(sample.counts))
    elif family.kind == "gauge" and family.how == "max":
        here.value = max(here.value, sample.value)
    elif family.kind == "gauge" and family.how == "min":
        here.value = min(here.value, sample.value)
    elif family.kind != "gauge" or family.how == "sum":
        here.value += sample.value
        here.counts = [one + other for one, other in zip(here.counts, sample.counts, strict=True)]


def exposition(families: Iterable[Family]) -> bytes:
    """The families in Prometheus' text format, version 0.0.4."""
    lines: list[str] = []
    for family in sorted(families, key=lambda each: each.name):
        lines.append(f"# HELP {family.name} {_escaped(family.help)}")
        lines.append(f"# TYPE {family.name} {family.kind}")
        for sample in family.samples:
            labels = _pairs(family.labels, sample.labels)
            if family.kind == "histogram":
                lines += _buckets(family, sample, labels)
            else:
                lines.append(f"{family.name}{_braced(labels)} {_number(sample.value)}")
    return ("\n".join(lines) + "\n").encode("utf-8", "replace")


def _buckets(family: Family, sample: Sample, labels: list[str]) -> Iterable[str]:
    count = 0
    for bound, more in zip((*family.bounds, float("inf")), sample.counts, strict=True):
        count += more
        yield f"{family.name}_bucket{_braced([*labels, _pair('le', _number(bound))])} {count}"
    yield f"{family.name}_sum{_braced(labels)} {_number(sample.value)}"
    yield f"{family.name}_count{_braced(labels)} {count}"


def _pairs(names: Sequence[str], values: Sequence[str]) -> list[str]:
    return [_pair(name, value) for name, value in zip(names, values, strict=True)]


def _pair(name: str, value: str) -> str:
    escaped = _escaped(value).replace('"', '\\"')
    return f'{name}="{escaped}"'


def _braced(pairs: Sequence[str]) -> str:
    return "{" + ",".join(pairs) + "}" if pairs else ""


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def _number(value: float) -> str:
    if value != value:
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "+Inf" if value > 0 else "-Inf"
    return str(int(value)) if value == int(value) and abs(value) < 2**53 else repr(value)
