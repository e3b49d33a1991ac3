"""FastAPI dependencies that want a proof of lately, and say so as RFC 9470 has it."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Annotated

from fastapi import Depends, Request

from mainstay.base.errors import Forbidden
from mainstay.identity.authenticators.errors import StepUpRequired
from mainstay.identity.dependencies import CurrentUser, Requirement, now_of, signed_in
from mainstay.identity.sessions.second_step import STRONG

Caller = Annotated[CurrentUser, Depends(signed_in)]


def require_recent(seconds: int, methods: Iterable[str] = ()) -> Requirement:
    """A dependency that lets only callers through who proved who they are within so many seconds, by all of `methods`
    (RFC 8176) if any are named. An API key proves nothing of the kind.

    Others get 401 `insufficient_user_authentication`; after `POST /auth/step-up` the same token is let through. Who
    acts as somebody else gets 403 `impersonating`: they have not shown what that user would.
    """
    wanted = frozenset(methods)

    async def proved_lately(user: Caller, request: Request) -> CurrentUser:
        if user.impersonator_id is not None:
            # Their session is new, and its user has shown nothing to begin it.
            raise Forbidden("You act as somebody else, and only they themselves may do this.", code="impersonating")
        at = user.authenticated_at
        late = at is None or at < now_of(request) - timedelta(seconds=seconds)
        if user.session_id is None or late or not wanted <= user.methods:
            raise StepUpRequired(seconds, second_factor=STRONG in wanted)
        return user

    return proved_lately


def require_second_factor(max_age: int = 300) -> Requirement:
    """A dependency that lets only callers through who showed a second factor within `max_age` seconds."""
    return require_recent(max_age, (STRONG,))
