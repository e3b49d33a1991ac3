"""Who may see and change what all tenants share: administrators of the default tenant."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Request, Security

from mainstay.base.context import Caller
from mainstay.base.errors import Forbidden
from mainstay.base.tenant import DEFAULT_TENANT
from mainstay.identity import CurrentUser, current_user
from mainstay.telemetry.audit import SYSTEM_CHAIN, Audit

SEE = ("system:read",)
CHANGE = ("admin:write", "system:write")


def passes_maintenance(caller: Caller | None) -> bool:
    """Those of other tenants are customers, and wait like everybody."""
    return (
        caller is not None
        and caller.scope is not None
        and caller.scope.tenant_id == DEFAULT_TENANT
        and "admin:write" in caller.actor.scopes
    )


def operator(*scopes: str, audited: bool = True) -> Callable[..., Awaitable[CurrentUser]]:
    """A dependency: the caller, holding these scopes in the default tenant. Raises SignInRequired or Forbidden.

    What they ask for is `audited`: a look soon, a change before it is made, and not made where that cannot be done.
    """

    async def operates(
        request: Request, user: Annotated[CurrentUser, Security(current_user, scopes=list(scopes))]
    ) -> CurrentUser:
        if user.tenant_id != DEFAULT_TENANT:
            raise Forbidden("This is for administrators of the default tenant.", code="not_an_operator")
        if audited:
            audit: Audit = request.app.rooms.audit
            path = request.url.path
            if request.method in ("GET", "HEAD"):
                audit.tell(audit.now("system.read", tenant_id=SYSTEM_CHAIN, subject=path))
            else:
                await audit.write_down(audit.now("system.change_requested", tenant_id=SYSTEM_CHAIN, subject=path))
        return user

    return operates
