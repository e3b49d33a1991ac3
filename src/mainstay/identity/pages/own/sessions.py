"""Where one is signed in."""

from collections.abc import Iterator
from uuid import UUID

from starlette.responses import Response
from starlette.routing import Route

from mainstay.base.errors import NotFound
from mainstay.identity.pages.site import Site
from mainstay.identity.pages.visit import Visit
from mainstay.identity.routes.sessions import session_answer
from mainstay.identity.sessions.device import parts_of


def own_sessions(site: Site) -> Iterator[Route]:
    pages = OwnSessions(site)
    yield site.route("sessions", pages.show, pages.end, who="user")
    yield site.route("sessions/end-all", None, pages.end_all, who="user", again=pages.show)


class OwnSessions:
    """Handlers."""

    def __init__(self, site: Site) -> None:
        self._site, self._identity = site, site.identity

    async def show(self, visit: Visit) -> Response:
        found = await self._identity.list_sessions(visit.me.id)
        shown = [session_answer(self._identity, each, visit.me.session_id) for each in found]
        devices = {each.id: device_in_words(visit, each.user_agent) for each in shown}
        return self._site.show(visit, "sessions", sessions=shown, devices=devices)

    async def end(self, visit: Visit) -> Response:
        try:
            session_id = UUID(visit.form["session"])
        except ValueError:
            raise NotFound("There is no such session.") from None
        await self._identity.end_session(visit.me.id, session_id)
        if session_id == visit.me.session_id:
            return visit.go(visit.to("sign-in", done="signed_out"), cookies=self._identity.browsers.cleared())
        return visit.go(visit.to("sessions", done="session_ended"))

    async def end_all(self, visit: Visit) -> Response:
        await self._identity.sign_out_everywhere(visit.me.id)
        return visit.go(visit.to("sign-in", done="signed_out_everywhere"), cookies=self._identity.browsers.cleared())


def device_in_words(visit: Visit, user_agent: str | None) -> str:
    """As `device_of` says it, in the visitor's language."""
    program, system = parts_of(user_agent)
    if program and system:
        return visit.say("sessions.device", program=program, system=system)
    return program or system or visit.say("sessions.unknown_device")
