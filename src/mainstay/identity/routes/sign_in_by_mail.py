"""Signing in by a letter."""

from fastapi import APIRouter, Request, Response

from mainstay.identity.bodies import accounts as bodies
from mainstay.identity.bodies.sessions import CookieAnswer, TokenAnswer
from mainstay.identity.identity import Identity
from mainstay.identity.problems import refusals
from mainstay.identity.routes.give_session import welcome, wishes_of


def add_sign_in_by_mail(router: APIRouter, identity: Identity) -> None:
    @router.post("/sign-in/mail", status_code=202, responses=refusals(400, 413, 415, 422, 429, 503))
    async def ask_for_letter(body: bodies.WantedLetter, request: Request) -> bodies.RequestAnswer:
        """Ask for a letter with a link and a code to sign in with. Keep `request`: they are good with it alone."""
        address = identity.address_of(request.scope)
        secret = await identity.accounts.ask_for_sign_in(body.email, address, code_only=body.code_only)
        seconds = identity.options.accounts.code_minutes * 60
        return bodies.RequestAnswer(email=body.email, request=secret, expires_in=seconds)

    @router.post("/sign-in/mail/confirm", responses=refusals(400, 403, 404, 413, 415, 422, 503))
    async def sign_in_by_letter(
        body: bodies.ByLetter, request: Request, response: Response
    ) -> TokenAnswer | CookieAnswer:
        """Exchange the letter's token or code for tokens. A code may be tried five times."""
        wishes = wishes_of(identity, request, body)
        scopes = None if body.scope is None else body.scope.split()
        tokens = await identity.accounts.sign_in_by_mail(body.request, body.proof, scopes=scopes, **wishes)
        return welcome(identity, tokens, request, response, body)
