"""The pages of somebody's own account: profile, password, address, sessions, export, deletion."""

from collections.abc import Awaitable, Callable, Iterator
from uuid import UUID

from starlette.responses import Response
from starlette.routing import Route

from mainstay.base.errors import NotFound
from mainstay.identity.bodies import accounts as bodies
from mainstay.identity.dependencies import in_own_session
from mainstay.identity.pages.signing_up import inputs
from mainstay.identity.pages.site import Site, require_scope
from mainstay.identity.pages.visit import Visit
from mainstay.identity.routes.sessions import session_answer

# What is held about a user: its media type, the ending of a file's name, and the bytes.
Export = Callable[[UUID], Awaitable[tuple[str, str, bytes]]]
READ, WRITE = "profile:read", "profile:write"


def own_account(site: Site, export: Export | None) -> Iterator[Route]:
    pages = OwnAccount(site, export)
    yield site.route("", pages.show, pages.change_profile, who="user")
    yield site.route("password", pages.show_password, pages.change_password, who="owner")
    yield site.route("email", pages.show_email, pages.change_email, who="owner")
    yield site.route("delete", pages.show_delete, pages.delete, who="owner")
    yield site.route("deleted", pages.show_deleted)
    yield site.route("sessions", pages.show_sessions, pages.end_session, who="user")
    yield site.route("sessions/end-all", None, pages.end_all, who="user")
    if export is not None:
        yield site.route("export", None, pages.export, who="owner")


class OwnAccount:
    """Handlers; each form ends in the flow that the JSON route of its name calls, and needs the same scope."""

    def __init__(self, site: Site, export: Export | None) -> None:
        self._site, self._identity, self._export = site, site.identity, export

    async def show(self, visit: Visit) -> Response:
        if visit.me.restricted:
            return visit.go(visit.to("factors"))
        require_scope(visit, READ)
        profiles = self._identity.profiles
        fields = inputs(visit, profiles.own, await profiles.get(visit.me.id))
        held = await self._identity.factors.list(visit.me.id)
        has = held.app_since is not None or bool(held.passkeys)
        return self._site.show(visit, "account", own_fields=fields, exports=self._export is not None, has_factor=has)

    async def change_profile(self, visit: Visit) -> Response:
        await in_own_session(visit.me)
        require_scope(visit, WRITE)
        profiles, wanted = self._identity.profiles, ("username", "display_name", "language")
        said = visit.form.profile(profiles.own)
        body = visit.form.read(bodies.Profile, optional=wanted)
        changes = {name: getattr(body, name) for name in wanted}
        if said:
            await profiles.change(visit.me.id, said)
        await self._identity.accounts.change_profile(visit.me.id, changes)
        return visit.go(visit.to(done="profile"))

    async def show_password(self, visit: Visit) -> Response:
        await self._fresh(visit)
        return self._site.show(visit, "change_password")

    async def change_password(self, visit: Visit) -> Response:
        require_scope(visit, WRITE)
        await self._fresh(visit)
        body = visit.form.read(bodies.OtherPassword, "current_password", "new_password")
        await self._identity.accounts.change_password(
            visit.me.id, visit.me.session_id, body.current_password, body.new_password, self._address(visit)
        )
        return visit.go(visit.to(done="password"))

    async def show_email(self, visit: Visit) -> Response:
        await self._fresh(visit)
        return self._site.show(visit, "change_email")

    async def change_email(self, visit: Visit) -> Response:
        require_scope(visit, WRITE)
        await self._fresh(visit)
        body = visit.form.read(bodies.OtherEmail, "email", "password")
        await self._identity.accounts.ask_for_email(visit.me.id, body.email, body.password, self._address(visit))
        return visit.go(visit.to(done="email_asked"))

    async def show_delete(self, visit: Visit) -> Response:
        await self._fresh(visit)
        return self._site.show(visit, "delete_account", days=self._identity.options.accounts.grace_days)

    async def delete(self, visit: Visit) -> Response:
        require_scope(visit, WRITE)
        await self._fresh(visit)
        body = visit.form.read(bodies.Deletion, "password")
        await self._identity.accounts.delete(visit.me.id, body.password, self._address(visit))
        return visit.go(visit.to("deleted"), cookies=self._identity.browsers.cleared())

    async def show_deleted(self, visit: Visit) -> Response:
        return self._site.show(visit, "deleted", days=self._identity.options.accounts.grace_days)

    async def show_sessions(self, visit: Visit) -> Response:
        found = await self._identity.list_sessions(visit.me.id)
        shown = [session_answer(self._identity, each, visit.me.session_id) for each in found]
        return self._site.show(visit, "sessions", sessions=shown)

    async def end_session(self, visit: Visit) -> Response:
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

    async def export(self, visit: Visit) -> Response:
        require_scope(visit, READ)
        assert self._export is not None  # noqa: S101  narrows: there is no such route without
        media_type, ending, content = await self._export(visit.me.id)
        name = f"export-{visit.me.id}.{ending}"
        headers = {"content-disposition": f'attachment; filename="{name}"', "cache-control": "no-store"}
        return Response(content, media_type=media_type, headers=headers)

    async def _fresh(self, visit: Visit) -> None:
        # Before the form is filled in too: nobody types a password to be asked for something else then.
        await self._identity.factors.require_fresh(visit.me.id, visit.me.session_id)

    def _address(self, visit: Visit) -> str | None:
        return self._identity.address_of(visit.request.scope)
