"""The page where an account is asked for, with the fields that the app wants to know."""

from collections.abc import Iterator

from starlette.responses import Response
from starlette.routing import Route

from mainstay.identity.bodies import accounts as bodies
from mainstay.identity.pages import app_fields
from mainstay.identity.pages.site import Site
from mainstay.identity.pages.visit import Visit


def signing_up(site: Site) -> Iterator[Route]:
    if site.options.sign_up:
        pages = SigningUp(site)
        yield site.route("sign-up", pages.show, pages.sign_up)


class SigningUp:
    def __init__(self, site: Site) -> None:
        self._site, self._identity = site, site.identity

    async def show(self, visit: Visit) -> Response:
        if visit.session is not None and visit.refusal is None:
            return visit.go(visit.home())
        fields = app_fields.drawn(visit, self._identity.profiles.asked, {})
        return self._site.show(visit, "sign_up", own_fields=fields, asks=self._site.options.asks)

    async def sign_up(self, visit: Visit) -> Response:
        wanted = self._identity.profiles.asked
        said = app_fields.read(visit.form, wanted, emptied=False)
        asks = tuple(name for name in ("username", "display_name") if name in self._site.options.asks)
        body = visit.form.read(
            bodies.SignUp, "email", "password", optional=asks, **({"profile": said} if wanted else {})
        )
        await self._identity.accounts.sign_up(
            body.email,
            body.password,
            username=body.username,
            display_name=body.display_name,
            # Unless it is the app's own: then letters follow what the app makes of it.
            language=None if visit.say.language == self._site.options.theme.language else visit.say.language,
            profile=body.profile,
            client_address=self._identity.address_of(visit.request.scope),
        )
        if not self._identity.options.accounts.verified:
            # Where addresses are not confirmed first the account is there already.
            return visit.go(visit.to("sign-in", done="signed_up", **visit.carrying))
        return visit.go(visit.to("check-mail"))
