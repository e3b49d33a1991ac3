"""One's picture: chosen, shown, removed."""

from collections.abc import Iterator

from starlette.responses import Response
from starlette.routing import Route

from mainstay.base.errors import BodyTooLarge, Invalid
from mainstay.identity.pages.own.account import WRITE
from mainstay.identity.pages.site import Site, require_scope
from mainstay.identity.pages.visit import Visit
from mainstay.identity.profiles.picture import LARGEST, WIDEST
from mainstay.identity.routes.me import PICTURES


def own_picture(site: Site) -> Iterator[Route]:
    pages = OwnPicture(site)
    # Browsers' own scripts make large pictures smaller; without one they come as they are, to be refused in words.
    yield site.route("picture", pages.show, pages.change, who="owner", largest=LARGEST)
    yield site.route("picture/remove", None, pages.remove, who="owner", back="picture", again=pages.show)


class OwnPicture:
    """Handlers. A picture is told by its bytes: what its name and type say is not looked at."""

    def __init__(self, site: Site) -> None:
        self._site, self._profiles = site, site.identity.profiles

    async def show(self, visit: Visit) -> Response:
        name = await self._profiles.avatar_name(visit.me.id)
        address = None if name is None else visit.own(PICTURES + name)
        return self._site.show(visit, "picture", picture=address, kilobytes=LARGEST // 1024, widest=WIDEST)

    async def change(self, visit: Visit) -> Response:
        require_scope(visit, WRITE)
        if not visit.form.file:
            raise Invalid(code="no_file")
        if len(visit.form.file) > LARGEST:
            raise BodyTooLarge
        await self._profiles.set_avatar(visit.me.id, visit.form.file)
        return visit.go(visit.to("picture", done="picture"))

    async def remove(self, visit: Visit) -> Response:
        require_scope(visit, WRITE)
        await self._profiles.remove_avatar(visit.me.id)
        return visit.go(visit.to("picture", done="picture_removed"))
