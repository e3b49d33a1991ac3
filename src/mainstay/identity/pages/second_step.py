"""The second step of a sign-in, and proving once more who one is."""

from collections.abc import Iterator
from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from mainstay.identity.authenticators.errors import TicketRefused
from mainstay.identity.authenticators.ticket import COOKIE
from mainstay.identity.bodies import factors as bodies
from mainstay.identity.factors.prove_factor import Shown
from mainstay.identity.pages.signing_in import providers_of
from mainstay.identity.pages.site import Site
from mainstay.identity.pages.visit import Visit
from mainstay.web.cookies import Cookie


def second_step(site: Site) -> Iterator[Route]:
    pages = SecondStep(site)
    yield site.route("second-factor", pages.show, pages.finish)
    yield site.route("step-up", pages.show_step_up, pages.step_up, who="owner")


class SecondStep:
    """Handlers. A code of an app and a recovery code are typed into one field; a passkey needs a script."""

    def __init__(self, site: Site) -> None:
        self._site, self._identity, self._factors = site, site.identity, site.identity.factors
        self._ticket = Cookie(COOKIE, secure=site.identity.options.secure_cookies)

    async def show(self, visit: Visit) -> Response:
        begun = self._ticket.read(visit.request.headers.raw) is not None
        return self._site.show(visit, "second_factor", begun=begun, passkeys=self._factors.offers_passkeys)

    async def finish(self, visit: Visit) -> Response:
        ticket = self._ticket.read(visit.request.headers.raw)
        body = visit.form.read(bodies.SecondStep, **typed(visit))
        if ticket is None:
            raise TicketRefused
        shown, address = Shown(body.code, body.recovery_code), self._identity.address_of(visit.request.scope)
        browsers, sent = self._identity.browsers, visit.request.headers.raw
        tokens = await self._factors.finish_sign_in(ticket, shown, "cookie", address, browsers.device_cookie.read(sent))
        return visit.go(visit.home(), cookies=[self._ticket.clear(), *browsers.welcomed(sent, tokens)])

    async def show_step_up(self, visit: Visit) -> Response:
        identity = self._identity
        found = await self._factors.list(visit.me.id)
        has_factor = found.app_since is not None or bool(found.passkeys)
        linked = {each.provider for each in await identity.federation.list(visit.me.id)}
        return self._site.show(
            visit,
            "step_up",
            has_factor=has_factor,
            passkeys=bool(found.passkeys) and self._factors.offers_passkeys,
            has_password=await identity.accounts.has_password(visit.me.id),
            # Who came from elsewhere has no password to show: they sign in as they always do.
            providers=[each for each in providers_of(visit, identity, visit.home()) if each["name"] in linked],
            by_mail=identity.options.accounts.by_mail,
        )

    async def step_up(self, visit: Visit) -> Response:
        proof: dict[str, Any] = {"password": visit.form["password"]} if "password" in visit.form else typed(visit)
        body = visit.form.read(bodies.StepUp, **proof)
        await self._factors.step_up(
            visit.me.id,
            visit.me.session_id,
            Shown(body.code, body.recovery_code),
            password=body.password,
            client_address=self._identity.address_of(visit.request.scope),
        )
        return visit.go(visit.home())


def typed(visit: Visit) -> dict[str, Any]:
    """What was typed, as the code of an app or as a recovery code; the latter has letters."""
    code = visit.form["code"].strip()
    is_digits = code.replace(" ", "").isdigit() and len(code.replace(" ", "")) <= 8
    return {"code": code} if is_digits or not code else {"recovery_code": code}
