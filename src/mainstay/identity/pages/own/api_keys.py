"""One's API keys: made and shown once, rotated, revoked."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import groupby
from typing import Any
from uuid import UUID

from starlette.responses import Response
from starlette.routing import Route

from mainstay.base.errors import FieldError, Invalid, NotFound
from mainstay.identity.api_keys.api_key import LONGEST_NAME, NewKey
from mainstay.identity.bodies.api_keys import NewApiKey
from mainstay.identity.catalogue import Scope
from mainstay.identity.pages.site import Site, require_scope
from mainstay.identity.pages.visit import Visit
from mainstay.identity.routes.administration.administering import maker, tenant_of

READ, WRITE = "api_keys:read", "api_keys:write"
PREFIX = "scope."
DAYS, NEVER = ("30", "90", "365"), "never"


def own_api_keys(site: Site) -> Iterator[Route]:
    pages, here = OwnApiKeys(site), "keys"
    yield site.route(here, pages.show, who="owner")
    yield site.route("keys/new", pages.show_new, pages.create, who="owner")
    yield site.route("keys/rotate", None, pages.rotate, who="owner", back=here, again=pages.show)
    yield site.route("keys/revoke", None, pages.revoke, who="owner", back=here, again=pages.show)


class OwnApiKeys:
    """Handlers. A secret is the answer to the form that made it, and is shown on no other page."""

    def __init__(self, site: Site) -> None:
        self._site, self._identity, self._keys = site, site.identity, site.identity.api_keys

    async def show(self, visit: Visit) -> Response:
        require_scope(visit, READ)
        keys, now = await self._keys.list(visit.me.id, tenant_of(visit.me)), self._identity.now()
        over = {key.id for key in keys if key.expires_at is not None and key.expires_at <= now}
        return self._site.show(visit, "api_keys", keys=keys, over=over, writes=WRITE in visit.me.scopes)

    async def show_new(self, visit: Visit) -> Response:
        require_scope(visit, WRITE)
        await self._fresh(visit)
        groups = self._groups(visit)
        return self._site.show(
            visit, "new_api_key", groups=groups, prefix=PREFIX, days=DAYS, longest=LONGEST_NAME, default_days="90"
        )

    async def create(self, visit: Visit) -> Response:
        require_scope(visit, WRITE)
        await self._fresh(visit)
        days = visit.form["days"]
        if days not in (*DAYS, NEVER):
            raise Invalid(errors=[FieldError(("body", "days"), "enum", "Choose one of the options.")])
        until = None if days == NEVER else self._identity.now() + timedelta(days=int(days))
        body = visit.form.read(NewApiKey, "name", scopes=visit.form.below(PREFIX), expires_at=until)
        made = await self._keys.create(maker(visit.me), visit.me.id, body.name, body.scopes, body.expires_at)
        return self._show_secret(visit, made)

    async def rotate(self, visit: Visit) -> Response:
        require_scope(visit, WRITE)
        await self._fresh(visit)
        made = await self._keys.rotate(maker(visit.me), visit.me.id, self._named(visit))
        return self._show_secret(visit, made, minutes=self._identity.options.api_keys.overlap // 60)

    async def revoke(self, visit: Visit) -> Response:
        require_scope(visit, WRITE)
        await self._keys.revoke(visit.me.id, tenant_of(visit.me), self._named(visit))
        return visit.go(visit.to("keys", done="key_revoked"))

    def _show_secret(self, visit: Visit, made: NewKey, minutes: int = 0) -> Response:
        return self._site.show(visit, "api_key_made", key=made.key, secret=made.secret, minutes=minutes)

    def _named(self, visit: Visit) -> UUID:
        try:
            return UUID(visit.form["key"])
        except ValueError:
            raise NotFound("There is no such key.") from None

    async def _fresh(self, visit: Visit) -> None:
        await self._identity.factors.require_fresh(visit.me.id, visit.me.session_id)

    def _groups(self, visit: Visit) -> list[tuple[str, list[dict[str, Any]]]]:
        """The scopes that the visitor holds, by what they are about."""
        held: Sequence[Scope] = self._identity.catalogue.named(visit.me.scopes)
        by_category = sorted(
            held, key=lambda scope: (self._identity.catalogue.is_of_resource(scope.name), scope.category)
        )
        return [
            (visit.said(f"scopes.categories.{category}", category), [self._drawn(visit, scope) for scope in scopes])
            for category, scopes in groupby(by_category, key=lambda scope: scope.category)
        ]

    def _drawn(self, visit: Visit, scope: Scope) -> dict[str, Any]:
        about, _, verb = scope.name.partition(":")
        text = visit.said(f"scopes.{about}.{verb}", scope.description)
        if self._identity.catalogue.is_of_resource(scope.name):
            text = visit.said(f"scopes.{about}.{verb}", visit.say(f"scopes.of_resource.{verb}", resource=about))
        return {"name": scope.name, "text": text, "on": PREFIX + scope.name in visit.form}
