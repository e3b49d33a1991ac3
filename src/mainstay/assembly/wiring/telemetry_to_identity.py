"""Telemetry meets identity: what of the whole process its operators may see, and nobody else."""

import os
import platform
import time
from collections.abc import Callable, Mapping

from starlette.routing import BaseRoute

from mainstay.assembly.live.operators import SEE, operator
from mainstay.assembly.openapi_document import refusals
from mainstay.assembly.settings import Settings
from mainstay.telemetry import Details, Probe, Telemetry, health_routes, metrics_routes

METRICS_READ = "metrics:read"


def telemetry_routes(
    telemetry: Telemetry,
    probes: Callable[[], Mapping[str, Probe]],
    others: Callable[[], Mapping[str, Probe]],
    settings: Settings,
    version: str,
) -> list[BaseRoute]:
    """Health for everybody, its details and the figures for operators; figures with a listener are only there."""
    documented = refusals(400, 401, 403, 404, 503)

    async def details() -> Details:
        return await _details(telemetry, str(settings.environment), version)

    # What a monitor asks for every few seconds is no look at anybody's data.
    guard = operator(*SEE, audited=False)
    routes = health_routes(probes, details=details, guard=guard, refusals=documented, others=others).routes
    if settings.metrics and settings.metrics_port is None:
        routes += metrics_routes(telemetry, operator(METRICS_READ, audited=False), refusals=documented).routes
    return list(routes)


async def _details(telemetry: Telemetry, environment: str, version: str) -> Details:
    figures: dict[str, float] = {}
    for family in await telemetry.families():
        if family.kind != "gauge":
            continue
        for sample in family.samples:
            labels = ",".join(f"{name}={value}" for name, value in zip(family.labels, sample.labels, strict=True))
            figures[f"{family.name}{{{labels}}}" if labels else family.name] = sample.value
    began = figures.get("process_start_time_seconds", time.time())
    return Details(
        environment=environment,
        version=version,
        python=platform.python_version(),
        process=os.getpid(),
        uptime_seconds=round(max(0.0, time.time() - began), 1),
        figures=figures,
    )
