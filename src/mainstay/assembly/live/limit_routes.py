"""The /system/limits routes: how many requests callers may make."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from mainstay.assembly.live.live_limits import LiveLimits
from mainstay.assembly.live.routes import CHANGING, SEEING, Changes, Sees, allow
from mainstay.assembly.openapi_document import refusals
from mainstay.base.actor import ADMIN
from mainstay.web.strict_routes import StrictRoute

MOST = 100
_RATE = r"[1-9][0-9]{0,8}/(?:second|minute|hour|day)(?: burst [1-9][0-9]{0,8})?"


def _not_admin(name: str) -> str:
    if name == ADMIN:
        raise ValueError("the tier of administrators is not set here")
    return name


# Whoever sets limits shall not be the one they keep out.
TierName = Annotated[
    str,
    Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$", json_schema_extra={"not": {"const": ADMIN}}),
    AfterValidator(_not_admin),
]
# What the schema says of names is said of their values too: others are not there.
_NO_OTHERS: dict[str, Any] = {"additionalProperties": False}
_NO_OTHER_TIERS: dict[str, Any] = {**_NO_OTHERS, "propertyNames": {"not": {"const": ADMIN}}}
TierRate = Annotated[str, Field(pattern=f"^{_RATE}$", examples=["200/hour"])]
RoutePattern = Annotated[str, Field(pattern=r"^(?:(?:GET|POST|PUT|PATCH|DELETE) )?/[A-Za-z0-9._~/{}*-]{0,200}$")]
RouteRate = Annotated[str, Field(pattern=f"^{_RATE}(?: by (?:caller|tenant|address|everyone))?(?: loose)?$")]


class LimitsBody(BaseModel):
    """Whether requests are counted, and rates over those of the settings. A tier's null is unlimited."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={
            "examples": [{"on": True, "tiers": {"free": "200/hour"}, "routes": {"POST /reports": "5/minute"}}]
        },
    )

    on: bool = True
    tiers: Annotated[dict[TierName, TierRate | None], Field(max_length=MOST, json_schema_extra=_NO_OTHER_TIERS)] = {}
    routes: Annotated[dict[RoutePattern, RouteRate], Field(max_length=MOST, json_schema_extra=_NO_OTHERS)] = {}


class LimitsAnswer(BaseModel):
    """What holds. `set_at` and `set_by` are null where the settings hold; `set_by` also at the command line."""

    on: bool
    tiers: dict[str, str | None]
    routes: dict[str, str]
    set_at: datetime | None = None
    set_by: UUID | None = None


def limit_routes(limits: LiveLimits) -> APIRouter:
    """Seen with `system:read`, set with `admin:write` and `system:write`."""
    router = APIRouter(prefix="/system", tags=["system"], route_class=StrictRoute)

    @router.get("/limits", operation_id="system_limits_get", responses=SEEING)
    async def see(_: Sees) -> LimitsAnswer:
        """How many requests callers may make at present."""
        return _answer(limits)

    @router.put("/limits", operation_id="system_limits_put", responses=CHANGING | refusals(409))
    async def put(body: LimitsBody, user: Changes) -> LimitsAnswer:
        """Set rates over those of the settings, or stop counting: on every process within a second."""
        await limits.set(body.on, body.tiers, body.routes, by=user.id)
        return _answer(limits)

    @router.delete("/limits", operation_id="system_limits_delete", responses=SEEING)
    async def reset(user: Changes) -> LimitsAnswer:
        """Go by the settings again."""
        await limits.reset(by=user.id)
        return _answer(limits)

    allow(router, "/limits", "GET", "PUT", "DELETE")
    return router


def _answer(limits: LiveLimits) -> LimitsAnswer:
    known = limits.known
    at, by = (None, None) if known is None else (known.changed_at, known.changed_by)
    return LimitsAnswer(**limits.described(), set_at=at, set_by=by)
