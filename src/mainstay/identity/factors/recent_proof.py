"""FastAPI dependencies that want a proof of lately, and say so as RFC 9470 has it."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Annotated

from fastapi import Depends, Request

from mainstay.identity.authenticators.errors import StepUpRequired
from mainstay.identity.dependencies import CurrentUser, Requirement, now_of, signed_in
from mainstay.identity.sessions.second_step import STRONG

Caller = Annotated[CurrentUser, Depends(signed_in)]


def require_recent(seconds: int, methods: Iterable[str] = ()) -> Requirement:
    """A dependency that lets only callers through who proved who they are within so many seconds, by all of `methods`
    (RFC 8176) if any are named. An API key proves nothing of the kind.

    Others get 401 `insufficient_user_authentication`; after `POST /auth/step-up` the same token is let through.
    """
    wanted = frozenset(methods)

    async def proved_lately(user: Caller, request: Request) -> CurrentUser:
        at = user.authenticated_at
        late = at is None or at < now_of(request) - timedelta(seconds=seconds)
        if user.session_id is None or late or not wanted <= user.methods:
            raise StepUpRequired(seconds, second_factor=STRONG in wanted)
        return user

    return proved_lately


def require_second_factor(max_age: int = 300) -> Requirement:
    """A dependency that lets only callers through who showed a second factor within `max_age` seconds."""
    return require_recent(max_age, (STRONG,))
