"""One's second factors: the authenticator app, passkeys, recovery codes."""

from collections.abc import Iterator
from uuid import UUID

from starlette.responses import Response
from starlette.routing import Route

from mainstay.base.errors import NotFound
from mainstay.identity.bodies import factors as bodies
from mainstay.identity.pages.site import Site
from mainstay.identity.pages.visit import Visit


def own_factors(site: Site) -> Iterator[Route]:
    pages, here = OwnFactors(site), "factors"
    yield site.route(here, pages.show, who="owner")
    for page, deed in (
        ("factors/codes", pages.renew_codes),
        ("factors/app/remove", pages.remove_app),
        ("factors/passkey/rename", pages.rename_passkey),
        ("factors/passkey/remove", pages.remove_passkey),
    ):
        yield site.route(page, None, deed, who="owner", back=here, again=pages.show)
    if site.identity.factors.offers_apps:
        yield site.route("factors/app", None, pages.begin_app, who="owner", back=here, again=pages.show)
        yield site.route("factors/app/confirm", pages.show_confirm, pages.confirm_app, who="owner")


class OwnFactors:
    """Handlers. What is shown once, a secret or recovery codes, is the answer to the form itself: there is no page
    that would show it a second time.
    """

    def __init__(self, site: Site) -> None:
        self._site, self._factors = site, site.identity.factors

    async def show(self, visit: Visit) -> Response:
        found = await self._factors.list(visit.me.id)
        return self._site.show(
            visit, "factors", found=found, apps=self._factors.offers_apps, passkeys=self._factors.offers_passkeys
        )

    async def begin_app(self, visit: Visit) -> Response:
        made = await self._factors.begin_app(visit.me.id, visit.me.session_id)
        return self._site.show(visit, "add_app", made=made)

    async def show_confirm(self, visit: Visit) -> Response:
        # The picture was shown once; the app has it, and a code that was mistyped is typed again.
        return self._site.show(visit, "add_app", made=None)

    async def confirm_app(self, visit: Visit) -> Response:
        body = visit.form.read(bodies.ByCode, code=visit.form["code"].strip())
        address = self._site.identity.address_of(visit.request.scope)
        codes = await self._factors.confirm_app(visit.me.id, visit.me.session_id, body.code, address)
        if codes is None:
            return visit.go(visit.to("factors", done="app_added"))
        return self._site.show(visit, "recovery_codes", codes=codes)

    async def renew_codes(self, visit: Visit) -> Response:
        codes = await self._factors.renew_codes(visit.me.id, visit.me.session_id)
        return self._site.show(visit, "recovery_codes", codes=codes)

    async def remove_app(self, visit: Visit) -> Response:
        await self._factors.remove_app(visit.me.id, visit.me.session_id)
        return visit.go(visit.to("factors", done="factor_removed"))

    async def rename_passkey(self, visit: Visit) -> Response:
        body = visit.form.read(bodies.OtherName, name=visit.form["name"].strip())
        await self._factors.rename_passkey(visit.me.id, _named(visit), body.name)
        return visit.go(visit.to("factors", done="passkey_renamed"))

    async def remove_passkey(self, visit: Visit) -> Response:
        await self._factors.remove_passkey(visit.me.id, visit.me.session_id, _named(visit))
        return visit.go(visit.to("factors", done="factor_removed"))


def _named(visit: Visit) -> UUID:
    try:
        return UUID(visit.form["passkey"])
    except ValueError:
        raise NotFound("There is no such passkey.") from None
