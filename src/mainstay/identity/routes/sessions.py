"""Signing in and out, and the sessions one has."""

from fastapi import APIRouter, Request

from mainstay.identity.bodies import sessions as bodies
from mainstay.identity.identity import Identity
from mainstay.identity.problems import refusals
from mainstay.identity.routes.caller import InSession
from mainstay.identity.sessions.session import Tokens


def add_sessions(router: APIRouter, identity: Identity) -> None:
    @router.post("/sign-in", responses=refusals(400, 401, 403, 404, 413, 415, 422, 503))
    async def sign_in(body: bodies.SignIn, request: Request) -> bodies.TokenAnswer:
        """Exchange an e-mail address and a password for tokens. `scope` may ask for fewer than your roles give."""
        tokens = await identity.sign_in(
            body.email,
            body.password,
            scopes=None if body.scope is None else body.scope.split(),
            tenant=request.headers.get("x-tenant-id"),
            user_agent=request.headers.get("user-agent"),
        )
        return token_answer(tokens)

    @router.post("/refresh", responses=refusals(400, 401, 403, 413, 415, 422, 503))
    async def refresh(body: bodies.Refresh) -> bodies.TokenAnswer:
        """Exchange the session's refresh token for the next one and a fresh access token."""
        return token_answer(await identity.refresh(body.refresh_token))

    @router.post("/sign-out", status_code=204, responses=refusals(400, 401, 403, 404, 503))
    async def sign_out(user: InSession) -> None:
        """End this session: its access token stops within a second, its refresh token at once."""
        await identity.sign_out(user.id, user.session_id)

    @router.post("/logout-all", responses=refusals(400, 401, 403, 404, 503))
    async def sign_out_everywhere(user: InSession) -> bodies.EndedAnswer:
        """End all of your sessions, this one too."""
        return bodies.EndedAnswer(count=await identity.sign_out_everywhere(user.id))

    @router.get("/sessions", responses=refusals(400, 401, 403, 404, 503))
    async def sessions(user: InSession) -> bodies.SessionsAnswer:
        """Where you are signed in, the session used last first."""
        return bodies.SessionsAnswer(
            items=[
                bodies.SessionAnswer(
                    id=session.id,
                    created_at=session.created_at,
                    last_used_at=session.last_used_at,
                    expires_at=session.expires_at,
                    user_agent=session.user_agent,
                    current=session.id == user.session_id,
                )
                for session in await identity.list_sessions(user.id)
            ]
        )


def token_answer(tokens: Tokens) -> bodies.TokenAnswer:
    return bodies.TokenAnswer(
        access_token=tokens.access_token,
        refresh_token=tokens.refresh_token,
        expires_in=tokens.expires_in,
        scope=tokens.scope,
    )
