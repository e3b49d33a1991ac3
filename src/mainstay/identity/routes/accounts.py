"""Signing up, and who one is."""

from fastapi import APIRouter

from mainstay.base.errors import SignInRequired
from mainstay.identity.bodies import accounts as bodies
from mainstay.identity.identity import Identity
from mainstay.identity.problems import refusals
from mainstay.identity.routes.caller import User


def add_accounts(router: APIRouter, identity: Identity, sign_up: bool) -> None:
    if sign_up:

        @router.post("/sign-up", status_code=201, responses=refusals(400, 409, 413, 415, 422, 503))
        async def create_account(body: bodies.SignUp) -> bodies.UserAnswer:
            """Create an account. Sign in with it afterwards."""
            user = await identity.create_user(body.email, body.password)
            return bodies.UserAnswer(id=user.id, email=user.email, created_at=user.created_at)

    @router.get("/me", responses=refusals(400, 401, 403, 404, 503))
    async def me(user: User) -> bodies.MeAnswer:
        """Who you are, and what you may do here."""
        known = await identity.get_user(user.id)
        if known is None:
            raise SignInRequired
        return bodies.MeAnswer(
            id=known.id,
            email=known.email,
            created_at=known.created_at,
            roles=sorted(user.roles),
            scopes=sorted(user.scopes),
            session_id=user.session_id,
        )
