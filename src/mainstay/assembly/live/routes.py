"""The /system routes: what operators see and change while the app runs."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from mainstay.assembly.live.maintenance import MESSAGE, RETRY_AFTER, Maintenance
from mainstay.assembly.live.operators import CHANGE, SEE, operator
from mainstay.assembly.openapi_document import refusals
from mainstay.base.errors import MethodNotAllowed
from mainstay.identity import CurrentUser
from mainstay.web.strict_routes import StrictRoute

Sees = Annotated[CurrentUser, Depends(operator(*SEE))]
Changes = Annotated[CurrentUser, Depends(operator(*CHANGE))]
SEEING: dict[int | str, dict[str, Any]] = refusals(400, 401, 403, 404, 503)
CHANGING: dict[int | str, dict[str, Any]] = refusals(400, 401, 403, 404, 413, 415, 422, 503)
A_WEEK = 604_800
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")


def _whole(value: Any) -> Any:
    # JSON knows numbers, and 60.0 is a whole one (JSON Schema: integer).
    return int(value) if isinstance(value, float) and value.is_integer() else value


WHOLE = BeforeValidator(_whole)


def allow(router: APIRouter, path: str, *methods: str) -> None:
    """Answer other methods at this path with 405 and all that are allowed; FastAPI names those of one route alone."""
    named = ", ".join(sorted(methods))

    async def refuse() -> None:
        raise MethodNotAllowed(f"Allowed here: {named}.", headers={"Allow": named})

    others = [method for method in _METHODS if method not in methods]
    router.add_api_route(path, refuse, methods=others, include_in_schema=False)


class MaintenanceBody(BaseModel):
    """Whether callers are turned away, what they are told, and after how many seconds they may ask again."""

    model_config = ConfigDict(extra="forbid", strict=True)

    on: bool
    message: Annotated[str, Field(min_length=1, max_length=500, pattern=r"^[^\u0000]*$")] = MESSAGE
    retry_after: Annotated[int, Field(ge=1, le=A_WEEK), WHOLE] = RETRY_AFTER


class MaintenanceAnswer(BaseModel):
    """How it is. `changed_by` is null for somebody at the command line."""

    on: bool
    message: str | None = None
    retry_after: int | None = None
    changed_at: datetime | None = None
    changed_by: UUID | None = None


def maintenance_routes(maintenance: Maintenance) -> APIRouter:
    """`/system/maintenance`: seen with `system:read`, switched with `admin:write` and `system:write`."""
    router = APIRouter(prefix="/system", tags=["system"], route_class=StrictRoute)

    @router.get("/maintenance", operation_id="system_maintenance_get", responses=SEEING)
    async def see(_: Sees) -> MaintenanceAnswer:
        """Whether callers are turned away at present."""
        return _answer(maintenance)

    @router.put("/maintenance", operation_id="system_maintenance_put", responses=CHANGING)
    async def switch(body: MaintenanceBody, user: Changes) -> MaintenanceAnswer:
        """Turn everybody but administrators away with 503, or let them in again: on every process within a second."""
        if body.on:
            await maintenance.begin(body.message, body.retry_after, by=user.id)
        else:
            await maintenance.end(by=user.id)
        return _answer(maintenance)

    allow(router, "/maintenance", "GET", "PUT")
    return router


def _answer(maintenance: Maintenance) -> MaintenanceAnswer:
    downtime, known = maintenance.downtime, maintenance.known
    if downtime is None or known is None:
        return MaintenanceAnswer(on=False)
    return MaintenanceAnswer(
        on=True,
        message=downtime.message,
        retry_after=downtime.retry_after,
        changed_at=known.changed_at,
        changed_by=known.changed_by,
    )
