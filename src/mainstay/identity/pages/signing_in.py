"""The pages where somebody comes in: by password, by letter, with others; and the way out."""

from collections.abc import Iterator
from urllib.parse import quote, urlencode

from starlette.responses import Response
from starlette.routing import Route

from mainstay.identity.bodies import accounts as letters
from mainstay.identity.bodies import sessions as bodies
from mainstay.identity.identity import Identity
from mainstay.identity.pages.letters import Kept, kept
from mainstay.identity.pages.site import SECOND_FACTOR, Site
from mainstay.identity.pages.visit import RETURN, Visit
from mainstay.identity.routes.give_session import wishes_of
from mainstay.identity.sessions.session import Tokens


def signing_in(site: Site) -> Iterator[Route]:
    pages = SigningIn(site)
    yield site.route("sign-in", pages.show, pages.sign_in)
    yield site.route("sign-out", None, pages.sign_out, who="user")
    if site.identity.options.accounts.by_mail:
        yield site.route("sign-in/letter", pages.show_letter, pages.send_letter)
        yield site.route("sign-in/code", pages.show_code, pages.sign_in_by_code)
        yield site.route("magic-link", pages.show_link, pages.sign_in_by_link)


class SigningIn:
    """Handlers; each form ends in the flow that the JSON route of its name calls."""

    def __init__(self, site: Site) -> None:
        self._site, self._identity = site, site.identity
        # The secret of who asked for a letter: the link or the code is good with it alone.
        self._asked = Kept(site.identity, "asked", site.identity.options.accounts.code_minutes * 60)

    async def show(self, visit: Visit) -> Response:
        if visit.session is not None and visit.refusal is None:
            return visit.go(visit.home())
        if visit.request.query_params.get("error") == SECOND_FACTOR and visit.refusal is None:
            # Somebody comes back from a provider.
            return visit.go(visit.to("second-factor", **visit.carrying))
        return self._site.show(
            visit,
            "sign_in",
            providers=providers_of(visit, self._identity, visit.to("sign-in", **visit.carrying)),
            by_mail=self._identity.options.accounts.by_mail,
            passkeys=self._identity.factors.offers_passkeys,
        )

    async def sign_in(self, visit: Visit) -> Response:
        body = visit.form.read(bodies.SignIn, "email", "password", mode="cookie", remember="remember" in visit.form)
        wishes = wishes_of(self._identity, visit.request, body)
        device = self._identity.browsers.device_cookie.read(visit.request.headers.raw)
        return self._welcome(visit, await self._identity.sign_in(body.email, body.password, device=device, **wishes))

    async def show_letter(self, visit: Visit) -> Response:
        return self._site.show(visit, "sign_in_letter")

    async def send_letter(self, visit: Visit) -> Response:
        body = visit.form.read(letters.WantedLetter, "email")
        secret = await self._identity.accounts.ask_for_sign_in(
            body.email, self._identity.address_of(visit.request.scope), code_only=body.code_only
        )
        visit.cookies.append(self._asked.keep(secret))
        return visit.go(visit.to("sign-in/code", **visit.carrying))

    async def show_code(self, visit: Visit) -> Response:
        return self._site.show(visit, "sign_in_code", asked=self._asked.read(visit) is not None)

    async def sign_in_by_code(self, visit: Visit) -> Response:
        return await self._prove(visit, visit.form["code"].strip())

    async def show_link(self, visit: Visit) -> Response:
        token, asked = kept(self._identity, "magic-link").read(visit), self._asked.read(visit)
        return self._site.show(visit, "magic_link", ready=token is not None, asked=asked is not None)

    async def sign_in_by_link(self, visit: Visit) -> Response:
        link = kept(self._identity, "magic-link")
        visit.cookies.append(link.forget())
        return await self._prove(visit, link.read(visit) or "-")

    async def _prove(self, visit: Visit, proof: str) -> Response:
        remember = "remember" in visit.form
        body = visit.form.read(
            letters.ByLetter, request=self._asked.read(visit) or "-", proof=proof, mode="cookie", remember=remember
        )
        wishes = wishes_of(self._identity, visit.request, body)
        tokens = await self._identity.accounts.sign_in_by_mail(body.request, body.proof, **wishes)
        visit.cookies.append(self._asked.forget())
        return self._welcome(visit, tokens)

    async def sign_out(self, visit: Visit) -> Response:
        await self._identity.sign_out(visit.me.id, visit.me.session_id)
        return visit.go(visit.to("sign-in", done="signed_out"), cookies=self._identity.browsers.cleared())

    def _welcome(self, visit: Visit, tokens: Tokens) -> Response:
        return visit.go(visit.home(), cookies=self._identity.browsers.welcomed(visit.request.headers.raw, tokens))


def providers_of(visit: Visit, identity: Identity, back: str) -> list[dict[str, str]]:
    """Whom one may sign in with: name, what they are called, and the address that leads there and then `back`."""
    return [
        {
            "name": each.name,
            "title": each.title or each.name,
            "url": visit.own(f"/auth/federation/{quote(each.name)}/start?{urlencode({RETURN: back})}"),
        }
        for each in identity.federation.providers
    ]
