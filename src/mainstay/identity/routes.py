"""The /auth routes and the key set: parse, call, answer."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request, Response

from mainstay.base.errors import SignInRequired
from mainstay.identity import bodies
from mainstay.identity.catalogue import Scope
from mainstay.identity.dependencies import CurrentUser, signed_in
from mainstay.identity.grant_route import GrantRoute
from mainstay.identity.identity import Identity
from mainstay.identity.problems import refusals
from mainstay.identity.sessions.session import Tokens
from mainstay.web.strict_routes import StrictRoute

User = Annotated[CurrentUser, Depends(signed_in)]


def auth_routes(identity: Identity, *, password_grant: bool = True, sign_up: bool = True) -> APIRouter:
    """Everything under /auth, and /.well-known/jwks.json.

    `password_grant` adds /auth/token, the form that the documentation's "Authorize" button posts.
    """
    router = APIRouter()
    never_stored = [Depends(_never_stored)]
    strict = APIRouter(prefix="/auth", tags=["auth"], route_class=StrictRoute, dependencies=never_stored)
    _add_accounts(strict, identity, sign_up)
    _add_sessions(strict, identity)
    _add_scopes(strict, identity)
    router.include_router(strict)
    if password_grant:
        grant = APIRouter(prefix="/auth", tags=["auth"], route_class=GrantRoute, dependencies=never_stored)
        _add_password_grant(grant, identity)
        router.include_router(grant)
    _add_key_set(router, identity)
    return router


def _add_accounts(router: APIRouter, identity: Identity, sign_up: bool) -> None:
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


def _add_sessions(router: APIRouter, identity: Identity) -> None:
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
        return _answer(tokens)

    @router.post("/refresh", responses=refusals(400, 401, 403, 413, 415, 422, 503))
    async def refresh(body: bodies.Refresh) -> bodies.TokenAnswer:
        """Exchange the session's refresh token for the next one and a fresh access token."""
        return _answer(await identity.refresh(body.refresh_token))

    @router.post("/sign-out", status_code=204, responses=refusals(400, 401, 403, 404, 503))
    async def sign_out(user: User) -> None:
        """End this session: its access token stops within a second, its refresh token at once."""
        await identity.sign_out(user.id, user.session_id)

    @router.post("/logout-all", responses=refusals(400, 401, 403, 404, 503))
    async def sign_out_everywhere(user: User) -> bodies.EndedAnswer:
        """End all of your sessions, this one too."""
        return bodies.EndedAnswer(count=await identity.sign_out_everywhere(user.id))

    @router.get("/sessions", responses=refusals(400, 401, 403, 404, 503))
    async def sessions(user: User) -> bodies.SessionsAnswer:
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


def _add_scopes(router: APIRouter, identity: Identity) -> None:
    @router.get("/scopes", responses=refusals(400, 401, 403, 404, 503))
    async def scopes() -> bodies.ScopesAnswer:
        """Every scope there is."""
        return _catalogue(identity.catalogue.list())

    @router.get("/me/scopes", responses=refusals(400, 401, 403, 404, 503))
    async def my_scopes(user: User) -> bodies.ScopesAnswer:
        """The scopes this session holds."""
        return _catalogue(identity.catalogue.named(user.scopes))


def _add_password_grant(router: APIRouter, identity: Identity) -> None:
    @router.post("/token", responses=refusals(400, 401, 403, 404, 413, 415, 422, 503))
    async def password_grant(form: Annotated[bodies.PasswordGrant, Form()], request: Request) -> bodies.TokenAnswer:
        """The password form of RFC 6749 §4.3, for this API's own documentation pages."""
        tokens = await identity.sign_in(
            form.username,
            form.password,
            scopes=form.scope.split() or None,
            tenant=request.headers.get("x-tenant-id"),
            user_agent=request.headers.get("user-agent"),
        )
        return _answer(tokens)


def _add_key_set(router: APIRouter, identity: Identity) -> None:
    @router.get("/.well-known/jwks.json", tags=["auth"], responses=refusals(503))
    async def key_set(response: Response) -> dict[str, list[dict[str, Any]]]:
        """The public keys that verify this server's access tokens (RFC 7517)."""
        response.headers["Cache-Control"] = "public, max-age=300"
        return identity.key_set()


def _never_stored(response: Response) -> None:
    response.headers["Cache-Control"] = "no-store"


def _answer(tokens: Tokens) -> bodies.TokenAnswer:
    return bodies.TokenAnswer(
        access_token=tokens.access_token,
        refresh_token=tokens.refresh_token,
        expires_in=tokens.expires_in,
        scope=tokens.scope,
    )


def _catalogue(scopes: Sequence[Scope]) -> bodies.ScopesAnswer:
    return bodies.ScopesAnswer(
        items=[
            bodies.ScopeAnswer(
                name=scope.name,
                description=scope.description,
                category=scope.category,
                sensitivity=scope.sensitivity,
            )
            for scope in scopes
        ]
    )
