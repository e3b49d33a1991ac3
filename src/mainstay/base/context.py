"""What the current piece of work knows of itself: request id, actor, tenant."""

from contextlib import contextmanager
from contextvars import ContextVar
from collections.abc import Iterator
from dataclasses import dataclass

from mainstay.base.actor import Actor
from mainstay.base.errors import BadRequest
from mainstay.base.tenant import TenantScope


@dataclass(frozen=True, slots=True)
class Caller:
    """One request's (or job's) identity: who, in which tenant, under which request id.

    `scope` is None only where no tenant was named; whoever needs one calls `require_scope()`.
    """

    actor: Actor
    scope: TenantScope | None
    request_id: str

    def require_scope(self) -> TenantScope:
        """The tenant's scope. Raises BadRequest when the request names no tenant."""
        if self.scope is None:
            raise BadRequest("This request names no tenant.", code="tenant_required")
        return self.scope


_current: ContextVar[Caller | None] = ContextVar("mainstay_caller", default=None)


def current_caller() -> Caller | None:
    """The caller of the work in progress, or None outside any."""
    return _current.get()


@contextmanager
def acting(caller: Caller) -> Iterator[Caller]:
    """Do the enclosed work as this caller; the previous one is back afterwards."""
    token = _current.set(caller)
    try:
        yield caller
    finally:
        _current.reset(token)
