"""Is it alive, can it serve, and what of it is well: the routes that load balancers and people ask."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Response
from pydantic import BaseModel, Field

from mainstay.base.errors import NotFound, Unavailable

Probe = Callable[[], Awaitable[None]]
Responses = dict[int | str, dict[str, Any]]
PATIENCE_SECONDS = 2.0


class Alive(BaseModel):
    """The process answers."""

    status: Literal["ok"] = "ok"


class Component(BaseModel):
    """One part, as it was found a moment ago."""

    status: Literal["ok", "down"]
    milliseconds: float = Field(description="How long the answer took.")


class Health(BaseModel):
    """All parts; the whole is down when one of its own is, and not for a service of others."""

    status: Literal["ok", "down"]
    components: dict[str, Component]


class Details(BaseModel):
    """The process that answers, and the gauges of all processes of its server."""

    environment: str
    version: str
    python: str
    process: int = Field(description="Its id.")
    uptime_seconds: float = Field(description="Of the oldest process.")
    figures: dict[str, float] = Field(description="By name, with labels in braces.")


class Detailed(Health):
    """The health of all parts, and what the process uses."""

    details: Details


def health_routes(
    probes: Callable[[], Mapping[str, Probe]],
    *,
    details: Callable[[], Awaitable[Details]] | None = None,
    guard: Callable[..., Any] | None = None,
    refusals: Responses | None = None,
    others: Callable[[], Mapping[str, Probe]] = dict,
) -> APIRouter:
    """`/livez` touches nothing; `/readyz`, `/health` and `/health/<component>` ask the parts, 503 when one is down.

    `/health/detailed` is there with `details`, for those whom `guard` lets through: a FastAPI dependency that refuses
    as `refusals` document. `others` are services elsewhere: shown, and no reason to take this one out of service.
    """
    router = APIRouter(tags=["health"])
    down: dict[int | str, dict[str, Any]] = {503: {"description": "A part is down.", "model": Health}}

    @router.get("/livez", operation_id="health_alive", summary="Whether the process answers")
    async def livez() -> Alive:
        return Alive()

    @router.get("/readyz", operation_id="health_ready", summary="Whether requests can be served")
    async def readyz() -> Alive:
        found = await _ask(probes())
        if any(each.status == "down" for each in found.values()):
            raise Unavailable("Not ready to serve.", retry_after=1)
        return Alive()

    @router.get("/health", operation_id="health_all", summary="How every part is", responses=down)
    async def health(response: Response) -> Health:
        found, well = await _ask_all(probes(), others())
        response.status_code = 200 if well else 503
        return Health(status="ok" if well else "down", components=found)

    if details is not None and guard is not None:
        responses = {**(refusals or {}), 503: {"description": "A part is down.", "model": Detailed}}
        _detailed(router, probes, others, details, guard, responses)

    one_down: dict[int | str, dict[str, Any]] = {503: {"description": "It is down.", "model": Component}}

    @router.get("/health/{component}", operation_id="health_one", summary="How one part is", responses=one_down)
    async def one(component: Annotated[str, Path(examples=["database"])], response: Response) -> Component:
        probe = probes().get(component) or others().get(component)
        if probe is None:
            raise NotFound("There is no such component.")
        found = (await _ask({component: probe}))[component]
        response.status_code = 200 if found.status == "ok" else 503
        return found

    return router


def _detailed(
    router: APIRouter,
    probes: Callable[[], Mapping[str, Probe]],
    others: Callable[[], Mapping[str, Probe]],
    details: Callable[[], Awaitable[Details]],
    guard: Callable[..., Any],
    responses: Responses,
) -> None:
    @router.get(
        "/health/detailed",
        operation_id="health_detailed",
        summary="How every part is, and what the process uses",
        responses=responses,
        dependencies=[Depends(guard)],
    )
    async def detailed(response: Response) -> Detailed:
        found, well = await _ask_all(probes(), others())
        response.status_code = 200 if well else 503
        response.headers["cache-control"] = "no-store"
        return Detailed(status="ok" if well else "down", components=found, details=await details())


async def _ask_all(own: Mapping[str, Probe], others: Mapping[str, Probe]) -> tuple[dict[str, Component], bool]:
    found = await _ask({**own, **others})
    return found, all(found[name].status == "ok" for name in own)


async def _ask(probes: Mapping[str, Probe]) -> dict[str, Component]:
    answers = await asyncio.gather(*(_one(probe) for probe in probes.values()))
    return dict(zip(probes, answers, strict=True))


async def _one(probe: Probe) -> Component:
    started = time.perf_counter()
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await probe()
        status: Literal["ok", "down"] = "ok"
    except Exception:  # whatever a part raises means the same here: it is down
        status = "down"
    return Component(status=status, milliseconds=round((time.perf_counter() - started) * 1000, 2))
