"""Acting as somebody else, for administrators."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Security

from mainstay.base.errors import Forbidden
from mainstay.identity.bodies import users as bodies
from mainstay.identity.dependencies import CurrentUser, SessionUser, current_user, in_own_session
from mainstay.identity.identity import Identity
from mainstay.identity.problems import refusals
from mainstay.identity.routes.administration.administering import administrator
from mainstay.identity.routes.caller import InSession

Impersonates = Annotated[CurrentUser, Security(current_user, scopes=["admin:impersonate"])]
# An API key could do it unseen, at any hour: it takes a person who has signed in.
Person = Annotated[SessionUser, Depends(in_own_session)]


def add_impersonation(router: APIRouter, identity: Identity) -> None:
    @router.post(
        "/impersonate",
        operation_id="auth_impersonate",
        status_code=201,
        responses=refusals(400, 401, 403, 404, 409, 413, 415, 422, 503),
    )
    async def impersonate(
        body: bodies.Impersonation, user: Impersonates, _: Person, request: Request
    ) -> bodies.ActingAnswer:
        """Act as a member of this tenant for a few minutes. Everything is noted as done by you in their name."""
        await identity.factors.require_fresh(user.id, user.session_id)
        acting = await identity.administration.impersonate(
            administrator(user), body.user_id, body.reason, request.headers.get("user-agent")
        )
        return bodies.ActingAnswer(
            access_token=acting.access_token,
            expires_in=acting.expires_in,
            scope=acting.scope,
            user_id=acting.user_id,
        )

    @router.delete(
        "/impersonate",
        operation_id="auth_impersonate_end",
        status_code=204,
        responses=refusals(400, 401, 403, 404, 503),
    )
    async def end(user: InSession) -> None:
        """Be yourself again: with the token that acts as somebody else, which ends with this."""
        if user.impersonator_id is None:
            raise Forbidden("You act as nobody but yourself.", code="not_impersonating")
        await identity.sign_out(user.id, user.session_id)
