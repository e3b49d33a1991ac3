"""`/metrics` on the app itself, for those whom a guard lets through."""

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Depends, Response

from mainstay.telemetry.metrics.families import CONTENT_TYPE
from mainstay.telemetry.telemetry import Telemetry


def metrics_routes(
    telemetry: Telemetry, guard: Callable[..., Any], *, refusals: dict[int | str, dict[str, Any]] | None = None
) -> APIRouter:
    """`GET /metrics`. `guard` is a FastAPI dependency that refuses whoever may not see them; there is no default.

    `refusals`: how its refusals are documented.
    """
    router = APIRouter(tags=["metrics"])

    @router.get(
        "/metrics",
        operation_id="metrics",
        summary="Figures for Prometheus",
        response_class=Response,
        responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}, **(refusals or {})},
        dependencies=[Depends(guard)],
    )
    async def metrics() -> Response:
        return Response(
            await telemetry.exposition(), headers={"content-type": CONTENT_TYPE, "cache-control": "no-store"}
        )

    return router
