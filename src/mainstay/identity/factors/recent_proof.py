"""FastAPI dependencies that want a proof of lately, and say so as RFC 9470 has it."""

from collections.abc import Iterable
from typing import Annotated

from fastapi import Depends, Request

from mainstay.base.proof import STRONG, Proof
from mainstay.identity.dependencies import CurrentUser, Requirement, now_of, signed_in

Caller = Annotated[CurrentUser, Depends(signed_in)]


def require_recent(seconds: int, methods: Iterable[str] = ()) -> Requirement:
    """A dependency that lets only callers through who proved who they are within so many seconds, by all of `methods`
    (RFC 8176) if any are named.

    Others get 401 `insufficient_user_authentication`; after `POST /auth/step-up` the same token is let through. Who
    cannot prove anything gets 403: `session_required` for an API key, `impersonating` for an administrator who acts as
    somebody else.
    """
    proof = Proof(seconds, frozenset(methods))

    async def proved_lately(user: Caller, request: Request) -> CurrentUser:
        proof.require(user, now_of(request))
        return user

    return proved_lately


def require_second_factor(max_age: int = 300) -> Requirement:
    """A dependency that lets only callers through who showed a second factor within `max_age` seconds."""
    return require_recent(max_age, (STRONG,))
