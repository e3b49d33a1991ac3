"""Telemetry: what the process logs, counts and traces, and whether it is well.

Alone, in a plain FastAPI app:

    app = FastAPI()
    telemetry = Telemetry(TelemetryOptions(LogOptions("json"), MetricsOptions(port=9100)))
    app.add_middleware(Observed, telemetry=telemetry)      # JSON lines, request ids, http://127.0.0.1:9100/metrics
    app.include_router(health_routes(lambda: {"database": ping}))                     # /livez /readyz /health

    orders = telemetry.metrics.counter("orders_total", "Orders taken.", ["channel"])
    orders.add("web")
"""

from mainstay.telemetry.health import Details, Probe, health_routes
from mainstay.telemetry.metrics.metrics import Metrics
from mainstay.telemetry.observed import Observed
from mainstay.telemetry.options import LogOptions, MetricsOptions, TelemetryOptions, TraceOptions
from mainstay.telemetry.request import current_request
from mainstay.telemetry.routes import metrics_routes
from mainstay.telemetry.telemetry import Telemetry

__all__ = [
    "Details",
    "LogOptions",
    "Metrics",
    "MetricsOptions",
    "Observed",
    "Probe",
    "Telemetry",
    "TelemetryOptions",
    "TraceOptions",
    "current_request",
    "health_routes",
    "metrics_routes",
]
