"""The second step of a sign-in, signing in with a passkey alone, and proving once more who one is."""

from fastapi import APIRouter, Request, Response

from mainstay.identity.authenticators.errors import TicketRefused
from mainstay.identity.authenticators.ticket import COOKIE
from mainstay.identity.bodies import factors as bodies
from mainstay.identity.bodies.sessions import CookieAnswer, TokenAnswer
from mainstay.identity.factors.prove_factor import Shown
from mainstay.identity.identity import Identity
from mainstay.identity.problems import refusals
from mainstay.identity.routes.caller import OwnSession
from mainstay.identity.routes.give_session import shown_device, welcome, wishes_of
from mainstay.identity.tokens.refresh_token import Kind
from mainstay.web.cookies import Cookie

ENTERING = refusals(400, 401, 403, 404, 409, 413, 415, 422, 429, 503)


def add_second_step(router: APIRouter, identity: Identity) -> None:
    factors, cookie = identity.factors, Cookie(COOKIE, secure=identity.options.secure_cookies)

    def begun(request: Request, ticket: str | None) -> tuple[str, Kind]:
        if ticket is not None:
            return ticket, "bearer"
        # Another site's page could finish what its visitor began.
        identity.browsers.rules.refuse_foreign(request.headers.raw)
        kept = cookie.read(request.headers.raw)
        if kept is None:
            raise TicketRefused("This browser has begun no sign-in; begin again.")
        return kept, "cookie"

    @router.post("/sign-in/factor", operation_id="auth_sign_in_factor", responses=ENTERING)
    async def finish(body: bodies.SecondStep, request: Request, response: Response) -> TokenAnswer | CookieAnswer:
        """Finish a sign-in that was answered `second_factor_required`: with a code, a recovery code or a passkey."""
        ticket, kind = begun(request, body.ticket)
        passkey = None if body.passkey is None else body.passkey.plain()
        shown = Shown(body.code, body.recovery_code, passkey)
        address, device = identity.address_of(request.scope), shown_device(identity, request, body)
        tokens = await factors.finish_sign_in(ticket, shown, kind, address, device)
        if kind == "cookie":
            response.headers.append("set-cookie", cookie.clear())
        return welcome(identity, tokens, request, response, body)

    if factors.offers_passkeys:
        _add_passkeys(router, identity)

        @router.post("/sign-in/factor/passkey", operation_id="auth_sign_in_factor_passkey", responses=ENTERING)
        async def ask(request: Request, body: bodies.WantedChallenge) -> bodies.OptionsAnswer:
            """What to give to `navigator.credentials.get`, for the second step."""
            ticket, kind = begun(request, body.ticket)
            return bodies.OptionsAnswer(options=await factors.ask_for_passkey(ticket, kind))

    _add_step_up(router, identity)


def _add_passkeys(router: APIRouter, identity: Identity) -> None:
    factors = identity.factors

    @router.post("/sign-in/passkey/options", operation_id="auth_sign_in_passkey_options", responses=refusals(400, 503))
    async def ask_for_any() -> bodies.ChallengeAnswer:
        """What to give to `navigator.credentials.get`, to sign in without a name."""
        ticket, options = await factors.ask_for_any_passkey()
        return bodies.ChallengeAnswer(ticket=ticket, options=options)

    @router.post("/sign-in/passkey", operation_id="auth_sign_in_passkey", responses=ENTERING)
    async def sign_in(body: bodies.ByPasskey, request: Request, response: Response) -> TokenAnswer | CookieAnswer:
        """Sign in with a passkey alone: it says who you are, and asked you for a PIN or a finger."""
        wishes = wishes_of(identity, request, body)
        scopes = None if body.scope is None else body.scope.split()
        tokens = await factors.sign_in_with_passkey(body.ticket, body.credential.plain(), scopes=scopes, **wishes)
        return welcome(identity, tokens, request, response, body)


def _add_step_up(router: APIRouter, identity: Identity) -> None:
    factors = identity.factors

    @router.post("/step-up", operation_id="auth_step_up", responses=ENTERING)
    async def step_up(body: bodies.StepUp, user: OwnSession, request: Request) -> bodies.ProvedAnswer:
        """Prove once more that it is you, where something was answered `insufficient_user_authentication`. Tokens that
        you hold count for it from now on."""
        passkey = None if body.passkey is None else body.passkey.plain()
        session = await factors.step_up(
            user.id,
            user.session_id,
            Shown(body.code, body.recovery_code, passkey),
            password=body.password,
            ticket=body.ticket,
            client_address=identity.address_of(request.scope),
        )
        return bodies.ProvedAnswer(methods=sorted(session.methods), authenticated_at=session.authenticated_at)

    if factors.offers_passkeys:

        @router.post("/step-up/passkey", operation_id="auth_step_up_passkey", responses=ENTERING)
        async def ask(user: OwnSession) -> bodies.ChallengeAnswer:
            """What to give to `navigator.credentials.get`, to prove once more that it is you."""
            ticket, options = await factors.ask_to_step_up(user.id, user.session_id)
            return bodies.ChallengeAnswer(ticket=ticket, options=options)
