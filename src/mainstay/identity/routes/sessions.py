"""Signing in and out, and the sessions one has."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from mainstay.base.errors import SignInRequired
from mainstay.identity.bodies import sessions as bodies
from mainstay.identity.dependencies import SessionUser, in_session, signed_in
from mainstay.identity.identity import Identity
from mainstay.identity.problems import refusals
from mainstay.identity.routes.caller import InSession, OwnSession
from mainstay.identity.routes.give_session import (
    give_session,
    has_cookie,
    shown_device,
    take_session,
    welcome,
    wishes_of,
)
from mainstay.identity.sessions.device import device_of
from mainstay.identity.sessions.session import Session


def add_sessions(router: APIRouter, identity: Identity) -> None:
    @router.post("/sign-in", responses=refusals(400, 401, 403, 404, 413, 415, 422, 429, 503))
    async def sign_in(
        body: bodies.SignIn, request: Request, response: Response
    ) -> bodies.TokenAnswer | bodies.CookieAnswer:
        """Exchange an e-mail address and a password for tokens. `scope` may ask for fewer than your roles give.

        With `mode: "cookie"` the session is in cookies, and the answer holds the token that guards them.
        """
        wishes, device = wishes_of(identity, request, body), shown_device(identity, request, body)
        scopes = None if body.scope is None else body.scope.split()
        tokens = await identity.sign_in(body.email, body.password, scopes=scopes, device=device, **wishes)
        return welcome(identity, tokens, request, response, body)

    add_exchange(router, identity)
    add_ending(router, identity)

    @router.get("/sessions", responses=refusals(400, 401, 403, 404, 503))
    async def sessions(user: OwnSession) -> bodies.SessionsAnswer:
        """Where you are signed in, the session used last first."""
        found = await identity.list_sessions(user.id)
        return bodies.SessionsAnswer(items=[session_answer(identity, each, user.session_id) for each in found])


def add_exchange(router: APIRouter, identity: Identity) -> None:
    @router.post("/refresh", responses=refusals(400, 401, 403, 413, 415, 422, 503))
    async def refresh(
        request: Request, response: Response, body: bodies.Refresh | None = None
    ) -> bodies.TokenAnswer | bodies.CookieAnswer:
        """Exchange the session's refresh token for the next one and a fresh access token.

        Without a body the session's cookie is exchanged for the next one; that needs the CSRF token.
        """
        if body is not None and body.refresh_token is not None:
            tokens = await identity.refresh(body.refresh_token)
        else:
            cookie = identity.browsers.session_of(request.headers.raw)
            tokens = await identity.refresh(cookie, "cookie")
        return give_session(identity, tokens, response)

    @router.get("/csrf", responses=refusals(400, 401, 403, 404, 503))
    async def csrf(user: InSession) -> bodies.CsrfAnswer:
        """The token that a page sends in `X-CSRF-Token`, for one that cannot read the cookie it is in."""
        return bodies.CsrfAnswer(csrf_token=identity.browsers.csrf_token(user.session_id))


def add_ending(router: APIRouter, identity: Identity) -> None:
    async def leaving(request: Request) -> SessionUser | None:
        try:
            return await in_session(await signed_in(request, None))
        except SignInRequired:
            # Whoever leaves a session that has ended is left with its cookies otherwise.
            if has_cookie(identity, request):
                return None
            raise

    @router.post("/sign-out", status_code=204, responses=refusals(400, 401, 403, 404, 503))
    async def sign_out(
        user: Annotated[SessionUser | None, Depends(leaving)], request: Request, response: Response
    ) -> None:
        """End this session: its access token stops within a second, its refresh token at once. Cookies are removed."""
        if has_cookie(identity, request):
            take_session(identity, response)
        if user is not None:
            await identity.sign_out(user.id, user.session_id)

    @router.post("/logout-all", responses=refusals(400, 401, 403, 404, 503))
    async def sign_out_everywhere(user: OwnSession, request: Request, response: Response) -> bodies.EndedAnswer:
        """End all of your sessions, this one too."""
        if has_cookie(identity, request):
            take_session(identity, response)
        return bodies.EndedAnswer(count=await identity.sign_out_everywhere(user.id))

    @router.delete("/sessions/{id}", status_code=204, responses=refusals(400, 401, 403, 404, 422, 503))
    async def end_session(id: UUID, user: OwnSession, request: Request, response: Response) -> None:
        """End one of your sessions, on whichever device it is."""
        await identity.end_session(user.id, id)
        if id == user.session_id and has_cookie(identity, request):
            take_session(identity, response)


def session_answer(identity: Identity, session: Session, current: UUID | None) -> bodies.SessionAnswer:
    return bodies.SessionAnswer(
        id=session.id,
        created_at=session.created_at,
        last_used_at=session.last_used_at,
        expires_at=session.expires_at,
        device=device_of(session.user_agent),
        user_agent=session.user_agent,
        address=session.address,
        place=None if session.address is None else identity.place_of(session.address),
        kind=session.kind,
        remembered=session.remembered,
        methods=sorted(session.methods),
        impersonated=session.impersonator_id is not None,
        current=session.id == current,
    )
