"""How a route that signs somebody in answers: with tokens in the body, or with cookies. Every such route uses it."""

from typing import Any, TypedDict

from fastapi import Request, Response

from mainstay.identity.bodies.factors import SecondStep
from mainstay.identity.bodies.sessions import CookieAnswer, SessionWishes, TokenAnswer
from mainstay.identity.identity import Identity
from mainstay.identity.sessions.session import Tokens
from mainstay.identity.tokens.refresh_token import Kind


class Wishes(TypedDict):
    """What `Identity.sign_in` and `start_session` take of a request, whatever the proof was."""

    tenant: str | None
    user_agent: str | None
    client_address: str | None
    remember: bool
    kind: Kind


def wishes_of(identity: Identity, request: Request, body: SessionWishes) -> Wishes:
    """The session that is asked for. Raises Forbidden for a session in cookies that another site's page asks for."""
    kind = body.mode
    if kind == "cookie":
        # Login CSRF: whoever signs a visitor in as themselves reads what the visitor then writes.
        identity.browsers.rules.refuse_foreign(request.headers.raw)
    remember = (kind == "bearer") if body.remember is None else body.remember
    return Wishes(
        tenant=request.headers.get("x-tenant-id"),
        user_agent=request.headers.get("user-agent"),
        client_address=identity.address_of(request.scope),
        remember=remember,
        kind=kind,
    )


def shown_device(identity: Identity, request: Request, body: SessionWishes | SecondStep) -> str | None:
    """What the client has kept of a sign-in before: in the body, or in a cookie."""
    return body.device_token or identity.browsers.device_cookie.read(request.headers.raw)


def welcome(
    identity: Identity, tokens: Tokens, request: Request, response: Response, body: SessionWishes | SecondStep
) -> TokenAnswer | CookieAnswer:
    """As `give_session`, after a sign-in: the device is known from now on."""
    if tokens.session.kind == "bearer":
        answer = token_answer(tokens)
        answer.device_token = identity.device_token(tokens.session.user_id, body.device_token)
        return answer
    return _in_cookies(identity, tokens, response, identity.browsers.welcomed(request.headers.raw, tokens))


def give_session(identity: Identity, tokens: Tokens, response: Response) -> TokenAnswer | CookieAnswer:
    """The body of the answer; a cookie session's cookies go into `response`."""
    if tokens.kind == "bearer":
        return token_answer(tokens)
    return _in_cookies(identity, tokens, response, identity.browsers.given(tokens))


def _in_cookies(identity: Identity, tokens: Tokens, response: Response, cookies: list[str]) -> CookieAnswer:
    for cookie in cookies:
        response.headers.append("set-cookie", cookie)
    return CookieAnswer(
        csrf_token=identity.browsers.csrf_token(tokens.session.id), expires_in=tokens.expires_in, scope=tokens.scope
    )


def take_session(identity: Identity, response: Response) -> None:
    """Remove the cookies."""
    for cookie in identity.browsers.cleared():
        response.headers.append("set-cookie", cookie)


def token_answer(tokens: Tokens) -> TokenAnswer:
    return TokenAnswer(
        access_token=tokens.access_token,
        refresh_token=tokens.refresh_token,
        expires_in=tokens.expires_in,
        scope=tokens.scope,
    )


def has_cookie(identity: Identity, request: Request) -> bool:
    """Whether a session cookie came with the request, and no bearer token."""
    raw: Any = request.headers.raw
    return "authorization" not in request.headers and identity.browsers.session_cookie.read(raw) is not None
