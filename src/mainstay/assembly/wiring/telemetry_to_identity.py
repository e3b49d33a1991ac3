"""Telemetry meets identity: who may see figures and details of the whole process."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends

from mainstay.base.errors import Forbidden
from mainstay.base.tenant import DEFAULT_TENANT
from mainstay.identity import CurrentUser, require_scopes


def of_the_app(scope: str) -> Callable[..., Awaitable[CurrentUser]]:
    """A FastAPI dependency that lets through who holds this scope in the app's own tenant, the default one.

    Every tenant has administrators, who hold every scope in it; what concerns the whole process is not theirs to see.
    """

    async def holds(user: Annotated[CurrentUser, Depends(require_scopes(scope))]) -> CurrentUser:
        if user.tenant_id != DEFAULT_TENANT:
            raise Forbidden("This is for the app's own administrators, in the default tenant.", code="not_an_operator")
        return user

    return holds
