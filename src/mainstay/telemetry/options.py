"""What an app may choose about its logs, figures and traces; never read from the environment here."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, slots=True)
class LogOptions:
    """`form`: JSON for machines, plain for people, or none of our doing. Levels are names as logging knows them.

    `file`: every line goes there too; it is turned at `file_size` bytes and `file_count` older ones are kept.
    """

    form: Literal["json", "plain", "off"] = "json"
    level: str = "INFO"
    levels: Mapping[str, str] = field(default_factory=dict)
    file: Path | None = None
    file_size: int = 10_000_000
    file_count: int = 5


@dataclass(frozen=True, slots=True)
class MetricsOptions:
    """`port`: a listener for `/metrics` of its own, at `host`. None: no listener.

    `folder`: where the processes of one server share their figures. None: each tells of itself alone.
    """

    on: bool = True
    host: str = "127.0.0.1"
    port: int | None = None
    folder: Path | None = None


@dataclass(frozen=True, slots=True)
class TraceOptions:
    """`ratio`: the share of requests that are traced, from 0 to 1.

    A caller that says in its `traceparent` that it is traced is followed whatever the ratio, for at most `followed`
    requests a second: a header must not let strangers choose what we spend. At the end, spans that wait are given
    `last_seconds` to be sent.
    """

    ratio: float
    service: str = "mainstay"
    version: str = ""
    protocol: str = "http/protobuf"
    exporter: str = "otlp"
    followed: int = 100
    last_seconds: float = 5.0


@dataclass(frozen=True, slots=True)
class TelemetryOptions:
    """`slow_statement`: seconds from which on a statement is logged as slow; None: never. `trace` None: no tracing."""

    logs: LogOptions = LogOptions()
    metrics: MetricsOptions = MetricsOptions()
    trace: TraceOptions | None = None
    slow_statement: float | None = 0.2
