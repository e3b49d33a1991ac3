"""The telemetry of an app, as its settings want it."""

from mainstay.assembly.settings import Settings
from mainstay.telemetry import LogOptions, MetricsOptions, Telemetry, TelemetryOptions, TraceOptions


def telemetry_of(settings: Settings) -> Telemetry:
    """Logs, figures and traces. Raises ConfigurationError for a level that is none and an extra that is missing."""
    logs = LogOptions(
        form=settings.access_log_format(),
        level=settings.log_level,
        levels=settings.log_levels,
        file=settings.log_file,
        file_size=settings.log_file_size,
        file_count=settings.log_file_count,
    )
    metrics = MetricsOptions(
        on=settings.metrics, host=settings.metrics_host, port=settings.metrics_port, folder=settings.metrics_folder
    )
    return Telemetry(TelemetryOptions(logs, metrics, _trace(settings), settings.slow_statement or None))


def _trace(settings: Settings) -> TraceOptions | None:
    if settings.trace_ratio is None:
        return None
    exporter, protocol = settings.standard_trace_exporter()
    return TraceOptions(settings.trace_ratio, exporter=exporter, protocol=protocol)
