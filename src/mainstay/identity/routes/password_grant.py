"""The password form that the documentation's "Authorize" button posts."""

from typing import Annotated

from fastapi import APIRouter, Form, Request

from mainstay.identity.bodies import sessions as bodies
from mainstay.identity.identity import Identity
from mainstay.identity.problems import refusals
from mainstay.identity.routes.give_session import token_answer


def add_password_grant(router: APIRouter, identity: Identity) -> None:
    @router.post("/token", responses=refusals(400, 401, 403, 404, 413, 415, 422, 429, 503))
    async def password_grant(form: Annotated[bodies.PasswordGrant, Form()], request: Request) -> bodies.TokenAnswer:
        """The password form of RFC 6749 §4.3, for this API's own documentation pages."""
        tokens = await identity.sign_in(
            form.username,
            form.password,
            scopes=form.scope.split() or None,
            tenant=request.headers.get("x-tenant-id"),
            user_agent=request.headers.get("user-agent"),
            client_address=identity.address_of(request.scope),
        )
        return token_answer(tokens)
