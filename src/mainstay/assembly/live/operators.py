"""Who may see and change what all tenants share: administrators of the default tenant."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Security

from mainstay.base.context import Caller
from mainstay.base.errors import Forbidden
from mainstay.base.tenant import DEFAULT_TENANT
from mainstay.identity import CurrentUser, current_user

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


def operator(*scopes: str) -> Callable[..., Awaitable[CurrentUser]]:
    """A dependency: the caller, holding these scopes in the default tenant. Raises SignInRequired or Forbidden."""

    async def operates(user: Annotated[CurrentUser, Security(current_user, scopes=list(scopes))]) -> CurrentUser:
        if user.tenant_id != DEFAULT_TENANT:
            raise Forbidden("This is for administrators of the default tenant.", code="not_an_operator")
        return user

    return operates
