"""The pages of somebody's own account: profile, password, address, export, deletion."""

from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime, timedelta
from uuid import UUID

from starlette.responses import Response
from starlette.routing import Route

from mainstay.base.context import current_caller
from mainstay.base.errors import Forbidden
from mainstay.identity.bodies import accounts as bodies
from mainstay.identity.dependencies import in_own_session
from mainstay.identity.pages import app_fields
from mainstay.identity.pages.own.api_keys import READ as READ_KEYS
from mainstay.identity.pages.own.preferences import has_preferences
from mainstay.identity.pages.site import Site, require_scope
from mainstay.identity.pages.visit import Visit
from mainstay.identity.routes.me import PICTURES

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
    if export is not None:
        yield site.route("export", None, pages.export, who="owner", again=pages.show)


class OwnAccount:
    """Handlers; each form ends in the flow that the JSON route of its name calls, and needs the same scope."""

    def __init__(self, site: Site, export: Export | None) -> None:
        self._site, self._identity, self._export = site, site.identity, export

    async def show(self, visit: Visit) -> Response:
        if visit.me.restricted:
            return visit.go(visit.to("factors"))
        require_scope(visit, READ)
        identity, profiles, user_id = self._identity, self._identity.profiles, visit.me.id
        held = await identity.factors.list(user_id)
        picture = await profiles.avatar_name(user_id)
        return self._site.show(
            visit,
            "account",
            own_fields=app_fields.drawn(visit, profiles.own, await profiles.get(user_id)),
            languages=self._site.languages(),
            picture=None if picture is None else visit.own(PICTURES + picture),
            has_factor=held.app_since is not None or bool(held.passkeys),
            has_password=await identity.accounts.has_password(user_id),
            connects=bool(identity.federation.providers),
            keys=READ_KEYS in visit.me.scopes,
            preferences=has_preferences(identity),
            exports=self._export is not None,
        )

    async def change_profile(self, visit: Visit) -> Response:
        await in_own_session(visit.me)
        require_scope(visit, WRITE)
        profiles, wanted = self._identity.profiles, ("username", "display_name", "language")
        said = app_fields.read(visit.form, profiles.own, emptied=True)
        body = visit.form.read(bodies.Profile, optional=wanted)
        changes = {name: getattr(body, name) for name in wanted}
        if said:
            await profiles.change(visit.me.id, said)
        await self._identity.accounts.change_profile(visit.me.id, changes)
        return visit.go(visit.to(done="profile"))

    async def show_password(self, visit: Visit) -> Response:
        await self._fresh(visit)
        return self._site.show(visit, "change_password", has_password=await self._has_password(visit))

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
        return self._site.show(visit, "change_email", has_password=await self._has_password(visit))

    async def change_email(self, visit: Visit) -> Response:
        require_scope(visit, WRITE)
        await self._fresh(visit)
        body = visit.form.read(bodies.OtherEmail, "email", "password")
        await self._identity.accounts.ask_for_email(visit.me.id, body.email, body.password, self._address(visit))
        return visit.go(visit.to(done="email_asked"))

    async def show_delete(self, visit: Visit) -> Response:
        await self._fresh(visit)
        has_password = await self._has_password(visit)
        return self._site.show(visit, "delete_account", until=self._until(), has_password=has_password)

    async def delete(self, visit: Visit) -> Response:
        require_scope(visit, WRITE)
        await self._fresh(visit)
        body = visit.form.read(bodies.Deletion, "password")
        await self._identity.accounts.delete(visit.me.id, body.password, self._address(visit))
        return visit.go(visit.to("deleted"), cookies=self._identity.browsers.cleared())

    async def show_deleted(self, visit: Visit) -> Response:
        return self._site.show(visit, "deleted", until=self._until())

    async def export(self, visit: Visit) -> Response:
        require_scope(visit, READ)
        caller = current_caller()
        if caller is None or caller.actor.narrowed:
            # It holds rows of every tenant and resource, as the JSON route says.
            raise Forbidden("This needs a session with all of your scopes.", code="narrowed")
        assert self._export is not None  # noqa: S101  narrows: there is no such route without
        media_type, ending, content = await self._export(visit.me.id)
        name = f"export-{visit.me.id}.{ending}"
        headers = {"content-disposition": f'attachment; filename="{name}"', "cache-control": "no-store"}
        return Response(content, media_type=media_type, headers=headers)

    async def _fresh(self, visit: Visit) -> None:
        # Before the form is filled in too: nobody types a password to be asked for something else then.
        await self._identity.factors.require_fresh(visit.me.id, visit.me.session_id)

    async def _has_password(self, visit: Visit) -> bool:
        return await self._identity.accounts.has_password(visit.me.id)

    def _until(self) -> datetime:
        return self._identity.now() + timedelta(days=self._identity.options.accounts.grace_days)

    def _address(self, visit: Visit) -> str | None:
        return self._identity.address_of(visit.request.scope)
