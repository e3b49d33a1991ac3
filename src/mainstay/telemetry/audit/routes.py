"""`GET /audit`: what happened in the caller's tenant, for those whom a guard lets through."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict

from mainstay.telemetry.audit.audit import Audit
from mainstay.telemetry.audit.read_entries import Filter

_TEXT = r"^[^\u0000]*$"


def _told_in_full(value: object) -> object:
    """Not the seconds since 1970, which the schema does not tell of."""
    if isinstance(value, str) and not value[:5].endswith("-"):
        raise ValueError("Write it as 2031-05-01T12:00:00Z.")
    return value


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("no calendar goes so far") from None


Moment = Annotated[AwareDatetime, BeforeValidator(_told_in_full), AfterValidator(_in_utc)]


class AuditQuery(BaseModel):
    """Which entries: all that is given has to hold."""

    model_config = ConfigDict(extra="forbid")

    user: UUID | None = None
    name: Annotated[str | None, Query(min_length=1, max_length=100, pattern=r"^[\w.-]+\*?$")] = None
    subject: Annotated[str | None, Query(max_length=200, pattern=_TEXT)] = None
    request_id: Annotated[str | None, Query(max_length=128, pattern=_TEXT)] = None
    since: Moment | None = None
    until: Moment | None = None
    chain: Literal["tenant", "system"] = "tenant"
    limit: Annotated[int, Query(ge=1, le=200)] = 50
    after: Annotated[int | None, Query(ge=1, le=2**63 - 1)] = None


class AuditEntry(BaseModel):
    """One entry. `origin` and `details` are `{"erased": true}` once the person they tell of is erased."""

    seq: int
    at: datetime
    name: str
    actor_id: UUID | None
    impersonator_id: UUID | None
    user_id: UUID | None
    session_id: UUID | None
    request_id: str | None
    subject: str | None
    origin: dict[str, Any]
    details: dict[str, Any]
    hash: str


class AuditPage(BaseModel):
    """Entries, newest first; `next` is what `after` takes for the page that follows."""

    items: list[AuditEntry]
    next: int | None


# The chain that the caller may read: the guard knows who calls, and refuses whoever may not.
Guard = Callable[..., Awaitable[Callable[[str], UUID]]]


def audit_routes(audit: Audit, guard: Guard, *, refusals: dict[int | str, dict[str, Any]] | None = None) -> APIRouter:
    """`guard` is a FastAPI dependency that answers a function from `tenant` or `system` to the chain, or refuses."""
    router = APIRouter(tags=["audit"])

    @router.get("/audit", operation_id="audit", responses=refusals or {})
    async def see(
        chain_of: Annotated[Callable[[str], UUID], Depends(guard)],
        query: Annotated[AuditQuery, Query()],
        response: Response,
    ) -> AuditPage:
        """What happened in your tenant, newest first: who, what, when, from where, and as whom."""
        chain = chain_of(query.chain)
        chosen = Filter(query.user, query.name, query.subject, query.request_id, query.since, query.until)
        found = await audit.entries.page(chain, chosen, query.limit + 1, query.after)
        response.headers["Cache-Control"] = "no-store"
        audit.tell(audit.now("audit.read", tenant_id=chain, user_id=query.user))
        more = len(found) > query.limit
        items = [AuditEntry.model_validate(each) for each in found[: query.limit]]
        return AuditPage(items=items, next=items[-1].seq if more else None)

    return router
