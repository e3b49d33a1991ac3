"""Signing in with others: to the provider and back, and the identities one has there."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response

from mainstay.base.errors import Rejected
from mainstay.identity.authenticators.errors import SecondFactorRequired
from mainstay.identity.bodies import federation as bodies
from mainstay.identity.bodies.sessions import CookieAnswer, TokenAnswer
from mainstay.identity.federation.finish_sign_in import CameBack, Visitor
from mainstay.identity.federation.return_to import returning
from mainstay.identity.identity import Identity
from mainstay.identity.problems import refusals
from mainstay.identity.routes.caller import OwnSession
from mainstay.identity.routes.give_session import welcome, wishes_of

Name = Annotated[str, Path(min_length=1, max_length=40, pattern=r"^[a-z0-9_-]+$", examples=["google"])]
Text = Annotated[str | None, Query(max_length=4000)]
_SEE_OTHER: dict[int | str, dict[str, object]] = {303: {"description": "The browser goes on."}}


def add_federation(router: APIRouter, identity: Identity) -> None:
    """Nothing where no provider is configured."""
    if identity.federation.providers:
        _add_visits(router, identity)
        _add_ways(router, identity)
        _add_links(router, identity)


def _add_visits(router: APIRouter, identity: Identity) -> None:
    federation = identity.federation

    @router.get("/federation", responses=refusals(400))
    async def providers() -> bodies.ProvidersAnswer:
        """Whom you may sign in with."""
        return bodies.ProvidersAnswer(
            items=[
                bodies.ProviderAnswer(
                    name=each.name,
                    title=each.title or each.name,
                    kind=each.kind,
                    start=f"/auth/federation/{each.name}/start",
                )
                for each in federation.providers
            ]
        )

    @router.post("/federation/exchange", responses=refusals(400, 401, 403, 404, 413, 415, 422, 503))
    async def exchange(body: bodies.Exchange, request: Request, response: Response) -> TokenAnswer | CookieAnswer:
        """Exchange the code that came back to your front end for tokens. It is good once, for a minute."""
        wishes = wishes_of(identity, request, body)
        tokens = await federation.exchange(
            body.code,
            body.verifier,
            tenant=wishes["tenant"],
            user_agent=wishes["user_agent"],
            address=wishes["client_address"],
            remember=wishes["remember"],
            kind=wishes["kind"],
        )
        return welcome(identity, tokens, request, response, body)


def _add_ways(router: APIRouter, identity: Identity) -> None:
    federation = identity.federation

    @router.get(
        "/federation/{name}/start",
        status_code=303,
        response_class=Response,
        responses={**_SEE_OTHER, **refusals(400, 404, 422, 503)},
    )
    async def start(
        name: Name,
        request: Request,
        return_to: bodies.ReturnTo = "/",
        challenge: Annotated[str | None, Query(pattern=r"^[A-Za-z0-9_-]{43}$")] = None,
        remember: bool = False,
    ) -> Response:
        """Send the browser to the provider. It comes back to `return_to`: signed in by cookies, or, with a `challenge`
        (RFC 7636, S256), with a `code` for `/auth/federation/exchange`, or with an `error`."""
        begun = await federation.begin(
            name,
            return_to=return_to,
            own_address=_own_address(request),
            challenge=challenge,
            tenant=request.headers.get("x-tenant-id"),
            remember=remember,
        )
        return _onwards(begun.url, begun.cookie)

    @router.get(
        "/federation/{name}/callback",
        status_code=303,
        response_class=Response,
        responses={**_SEE_OTHER, **refusals(400, 404, 422)},
    )
    async def callback(
        name: Name, request: Request, state: Text = None, code: Text = None, iss: Text = None, error: Text = None
    ) -> Response:
        """Where the provider sends the browser back to. Nobody else calls it."""
        # Until the browser has shown that it began this, nobody is sent anywhere: RFC 9700 §4.11.
        pending, forget = federation.take(request.headers.raw, state or "", name)
        visitor = Visitor(identity.address_of(request.scope), request.headers.get("user-agent"))
        try:
            finished = await federation.finish(pending, CameBack(code, iss, error), visitor)
        except Rejected as refused:
            cookies = refused.cookies if isinstance(refused, SecondFactorRequired) else ()
            return _onwards(returning(pending.return_to, error=refused.problem_code), forget, *cookies)
        if finished.code is not None:
            return _onwards(returning(pending.return_to, code=finished.code), forget)
        sent, tokens = request.headers.raw, finished.tokens
        given = [] if tokens is None else identity.browsers.welcomed(sent, tokens)
        return _onwards(pending.return_to, forget, *given)


def _add_links(router: APIRouter, identity: Identity) -> None:
    federation = identity.federation

    @router.get("/federation/links", responses=refusals(400, 401, 403, 404, 503))
    async def links(user: OwnSession) -> bodies.LinkedListAnswer:
        """Your identities with providers."""
        return bodies.LinkedListAnswer(
            items=[
                bodies.LinkedAnswer(
                    id=each.id,
                    provider=each.provider,
                    email=each.email,
                    linked_at=each.linked_at,
                    last_used_at=each.last_used_at,
                )
                for each in await federation.list(user.id)
            ]
        )

    @router.delete("/federation/links/{id}", status_code=204, responses=refusals(400, 401, 403, 404, 409, 422, 503))
    async def unlink(id: UUID, user: OwnSession) -> None:
        """Let go of an identity, unless it is the only way into your account. You have to have signed in lately."""
        await identity.factors.require_fresh(user.id, user.session_id)
        await federation.unlink(user.id, user.session_id, id)

    @router.post("/federation/{name}/link", responses=refusals(400, 401, 403, 404, 413, 415, 422, 503))
    async def link(
        name: Name, body: bodies.BeginLink, request: Request, user: OwnSession, response: Response
    ) -> bodies.BegunAnswer:
        """Link an identity with this provider to your account: go to `url`. You have to have signed in lately."""
        await identity.factors.require_fresh(user.id, user.session_id)
        begun = await federation.begin_link(
            name, user.id, user.session_id, return_to=body.return_to, own_address=_own_address(request)
        )
        response.headers.append("set-cookie", begun.cookie)
        return bodies.BegunAnswer(url=begun.url)


def _own_address(request: Request) -> str:
    return str(request.base_url).rstrip("/")


def _onwards(url: str, *cookies: str) -> Response:
    # 303: whatever was sent here is not sent on. The address holds the provider's code and our state.
    response = Response(status_code=303, headers={"Location": url, "Referrer-Policy": "no-referrer"})
    response.headers["Cache-Control"] = "no-store"
    for cookie in cookies:
        response.headers.append("set-cookie", cookie)
    return response
