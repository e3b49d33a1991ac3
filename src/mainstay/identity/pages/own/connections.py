"""Whom one signs in with: linked, and let go of."""

from collections.abc import Iterator
from uuid import UUID

from starlette.responses import Response
from starlette.routing import Route

from mainstay.base.errors import NotFound
from mainstay.identity.pages.site import Site
from mainstay.identity.pages.visit import Visit


def own_connections(site: Site) -> Iterator[Route]:
    if site.identity.federation.providers:
        pages, here = OwnConnections(site), "connections"
        yield site.route(here, pages.show, who="owner")
        yield site.route("connections/link", None, pages.link, who="owner", back=here, again=pages.show)
        yield site.route("connections/remove", None, pages.remove, who="owner", back=here, again=pages.show)


class OwnConnections:
    """Handlers. Both deeds want a proof of lately, as their JSON routes do."""

    def __init__(self, site: Site) -> None:
        self._site, self._identity, self._federation = site, site.identity, site.identity.federation

    async def show(self, visit: Visit) -> Response:
        providers = self._federation.providers
        titles = {each.name: each.title or each.name for each in providers}
        linked = await self._federation.list(visit.me.id)
        return self._site.show(visit, "connections", linked=linked, titles=titles)

    async def link(self, visit: Visit) -> Response:
        await self._identity.factors.require_fresh(visit.me.id, visit.me.session_id)
        own = str(visit.request.base_url).rstrip("/")
        name, back = visit.form["provider"], visit.to("connections", done="linked")
        begun = await self._federation.begin_link(
            name, visit.me.id, visit.me.session_id, return_to=back, own_address=own
        )
        visit.cookies.append(begun.cookie)
        title = next(each.title or each.name for each in self._federation.providers if each.name == name)
        # Not a redirect: browsers hold those after a form to the policy's form-action, which is this host.
        return self._site.show(visit, "leaving", url=begun.url, provider=title)

    async def remove(self, visit: Visit) -> Response:
        await self._identity.factors.require_fresh(visit.me.id, visit.me.session_id)
        try:
            identity = UUID(visit.form["identity"])
        except ValueError:
            raise NotFound("There is no such identity.") from None
        await self._federation.unlink(visit.me.id, visit.me.session_id, identity)
        return visit.go(visit.to("connections", done="unlinked"))
