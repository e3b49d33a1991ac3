"""What the current piece of work knows of itself: request id, actor, tenant."""

from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple

from mainstay.base.actor import Actor
from mainstay.base.errors import BadRequest, ConfigurationError, Rejected, SignInRequired
from mainstay.base.tenant import TenantScope


class Caller(NamedTuple):
    """One request's (or job's) identity: who, in which tenant, under which request id.

    `scope` is None only where no tenant was named; whoever needs one calls `require_scope()`.
    """

    # A tuple, since one is made for every request: a frozen dataclass takes twice as long.

    actor: Actor
    scope: TenantScope | None
    request_id: str

    def require_scope(self) -> TenantScope:
        """The tenant's scope. Without one, raises SignInRequired for an anonymous caller, else BadRequest."""
        if self.scope is None:
            if not self.actor.signed_in:
                # Only members enter a tenant, so who it is comes before where it goes.
                raise SignInRequired
            raise BadRequest("This request names no tenant.", code="tenant_required")
        return self.scope


_current: ContextVar[Caller | None] = ContextVar("mainstay_caller", default=None)
_refusal: ContextVar[Rejected | None] = ContextVar("mainstay_refusal", default=None)
# Set at both ends of every request by whoever sees them; read through `current_request`.
request_in_progress: ContextVar[MutableMapping[str, Any] | None] = ContextVar("mainstay_request", default=None)


def current_caller() -> Caller | None:
    """The caller of the work in progress, or None outside any."""
    return _current.get()


def current_request() -> MutableMapping[str, Any] | None:
    """The ASGI scope of the request in progress, or None outside any."""
    return request_in_progress.get()


def require_caller() -> Caller:
    """The caller of the work in progress.

    Raises what the caller's proof was refused with, where a route runs in spite of it; else ConfigurationError.
    """
    caller = _current.get()
    if caller is not None:
        return caller
    refusal = _refusal.get()
    if refusal is not None:
        raise refusal
    raise ConfigurationError(
        "Rows were asked for, and nobody is calling.",
        fix="Do it within a request or a job, or inside `with acting(caller):`.",
    )


@contextmanager
def refusing(refusal: Rejected) -> Iterator[None]:
    """Do the enclosed work without a caller, since the proof that was sent is refused; `require_caller` says so."""
    token = _refusal.set(refusal)
    try:
        yield
    finally:
        _refusal.reset(token)


@contextmanager
def unattended() -> Iterator[None]:
    """Do the enclosed work on behalf of nobody: whatever asks for a caller there is refused."""
    token = _current.set(None)
    try:
        yield
    finally:
        _current.reset(token)


class acting:
    """Do the enclosed work as this caller; the previous one is back afterwards.

    A class, since a generator's context manager costs more than the rest of a warm sign-in check.
    """

    __slots__ = ("_caller", "_token")

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def __enter__(self) -> Caller:
        self._token = _current.set(self._caller)
        return self._caller

    def __exit__(self, *_: object) -> None:
        _current.reset(self._token)
