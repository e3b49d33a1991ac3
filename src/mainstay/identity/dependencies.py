"""FastAPI dependencies: who is calling, and refusals for those who may not.

They read the caller that the app's outermost layer recorded. In an app without that layer they verify the bearer
token themselves, with the Identity found at `app.state.identity`.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request
from fastapi.security import OAuth2PasswordBearer, SecurityScopes

from mainstay.base.actor import Actor
from mainstay.base.context import current_caller
from mainstay.base.errors import ConfigurationError, Forbidden, SignInRequired
from mainstay.identity.authenticators.errors import EnrolmentRequired
from mainstay.web import bearer as bearer_of

# Declared for the documentation's "Authorize" button; the header itself is read elsewhere, once per request.
bearer = OAuth2PasswordBearer("/auth/token", scheme_name="Mainstay", refreshUrl="/auth/refresh", auto_error=False)


@dataclass(frozen=True, slots=True)
class CurrentUser:
    """The signed-in user of this request, as the current tenant knows them."""

    id: UUID
    roles: frozenset[str]
    scopes: frozenset[str]
    session_id: UUID | None  # None where an API key speaks for the user
    tenant_id: UUID | None
    api_key_id: UUID | None = None
    # The administrator who acts as this user, where one does.
    impersonator_id: UUID | None = None
    # How the session was proved (RFC 8176), and when a proof was last given.
    methods: frozenset[str] = frozenset()
    authenticated_at: datetime | None = None
    # A role asks for a second factor that the session has not shown: roles and scopes are empty until it does.
    restricted: bool = False


@dataclass(frozen=True, slots=True)
class SessionUser(CurrentUser):
    """A signed-in user whose proof is a session: a person's, and no API key."""

    session_id: UUID


async def signed_in(request: Request, _: Annotated[str | None, Depends(bearer)]) -> CurrentUser:
    """The caller, whatever their scopes. Raises SignInRequired (401) for an anonymous one."""
    caller = current_caller()
    if caller is not None:
        actor, tenant = caller.actor, None if caller.scope is None else caller.scope.tenant_id
    elif "mainstay.refusal" in request.scope:
        raise request.scope["mainstay.refusal"]
    else:
        actor, tenant = await _alone(request)
    if actor.user_id is None:
        raise SignInRequired
    return CurrentUser(
        actor.user_id,
        actor.roles,
        actor.scopes,
        actor.session_id,
        tenant,
        actor.api_key_id,
        actor.impersonator_id,
        actor.methods,
        actor.authenticated_at,
        actor.restricted,
    )


async def current_user(
    security_scopes: SecurityScopes, user: Annotated[CurrentUser, Depends(signed_in)]
) -> CurrentUser:
    """The signed-in user, holding every scope named by `Security(current_user, scopes=[...])`.

    Raises SignInRequired (401), or Forbidden (403) naming the scopes that are missing.
    """
    _require_all(user, security_scopes.scopes)
    return user


async def in_session(user: Annotated[CurrentUser, Depends(signed_in)]) -> SessionUser:
    """The caller, who has a session. Raises Forbidden (403, `session_required`) for an API key."""
    if user.session_id is None:
        raise Forbidden("This needs a session: sign in. An API key cannot do it.", code="session_required")
    return SessionUser(
        user.id,
        user.roles,
        user.scopes,
        user.session_id,
        user.tenant_id,
        user.api_key_id,
        user.impersonator_id,
        user.methods,
        user.authenticated_at,
        user.restricted,
    )


async def in_own_session(user: Annotated[SessionUser, Depends(in_session)]) -> SessionUser:
    """The caller in a session that they began themselves. Raises Forbidden (403, `impersonating`) for an
    administrator who acts as them: what proves who somebody is stays in their own hands.
    """
    if user.impersonator_id is not None:
        raise Forbidden("You act as somebody else, and only they themselves may do this.", code="impersonating")
    return user


Requirement = Callable[..., Awaitable[CurrentUser]]
SignedIn = Annotated[CurrentUser, Depends(signed_in)]


def require_scopes(*scopes: str) -> Requirement:
    """A dependency that lets only callers through who hold every one of these scopes."""

    async def holds_all(user: SignedIn) -> CurrentUser:
        _require_all(user, scopes)
        return user

    return _asking(holds_all, scopes)


def require_any_scope(*scopes: str) -> Requirement:
    """A dependency that lets only callers through who hold at least one of these scopes."""

    async def holds_one(user: SignedIn) -> CurrentUser:
        _require_all(user, ())
        if user.scopes.isdisjoint(scopes):
            raise Forbidden.missing_scopes(*scopes)
        return user

    return _asking(holds_one, scopes)


def _asking(requirement: Requirement, scopes: tuple[str, ...]) -> Requirement:
    # For whoever looks, before the app starts, whether these are scopes at all.
    requirement.scopes_asked_for = scopes  # type: ignore[attr-defined]  # functions may be written on
    return requirement


def require_roles(*roles: str) -> Requirement:
    """A dependency that lets only callers through who hold one of these roles in the current tenant, or `admin`."""
    wanted = frozenset(roles) | {"admin"}

    async def holds_role(user: SignedIn) -> CurrentUser:
        _require_all(user, ())
        if user.roles.isdisjoint(wanted):
            raise Forbidden.missing_roles(*roles)
        return user

    return holds_role


def now_of(request: Request) -> datetime:
    """The time, by the clock of the app's identity."""
    identity = getattr(request.app.state, "identity", None)
    if identity is None:
        return datetime.now(UTC)
    now: datetime = identity.now()
    return now


def _require_all(user: CurrentUser, scopes: tuple[str, ...] | list[str]) -> None:
    if user.restricted:
        raise EnrolmentRequired
    missing = [scope for scope in scopes if scope not in user.scopes]
    if missing:
        raise Forbidden.missing_scopes(*missing)


async def _alone(request: Request) -> tuple[Actor, UUID | None]:
    identity = getattr(request.app.state, "identity", None)
    if identity is None:
        raise ConfigurationError(
            "This route asks who is calling, and its app has no identity.",
            fix="Serve it with Mainstay, or set app.state.identity (docs/how-to/install-into-fastapi.md).",
        )
    token = bearer_of(request.headers.raw)
    if token is not None:
        verified = await identity.verify(token.encode())
    else:
        verified = await identity.browsers.verify(request.headers.raw, request.scope.get("method", "WEBSOCKET"))
        if verified is None:
            raise SignInRequired
    return await identity.actor(verified, verified.tenant_id), verified.tenant_id
