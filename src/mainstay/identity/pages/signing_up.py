"""The page where an account is asked for, with the fields that the app wants to know."""

from collections.abc import Iterator, Mapping
from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from mainstay.identity.bodies import accounts as bodies
from mainstay.identity.pages.form import PROFILE
from mainstay.identity.pages.site import Site
from mainstay.identity.pages.visit import Visit
from mainstay.model.spec import FieldSpec

_TYPES = {"integer": "number", "float": "number", "decimal": "number", "date": "date", "time": "time"}


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
        fields = inputs(visit, self._identity.profiles.asked, {})
        return self._site.show(visit, "sign_up", own_fields=fields, asks=self._site.options.asks)

    async def sign_up(self, visit: Visit) -> Response:
        wanted = self._identity.profiles.asked
        said = {name: value for name, value in visit.form.profile(wanted).items() if value is not None}
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


def inputs(visit: Visit, fields: Mapping[str, FieldSpec], values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The app's fields as templates draw them; what was filled in goes before what is known."""
    found = []
    for name, field in fields.items():
        sent, known = PROFILE + name, values.get(name)
        schema = field.schema()
        key = f"profile.{name}"
        found.append(
            {
                "name": sent,
                "label": visit.say(key) if key in visit.say else str(schema["title"]),
                "hint": field.description or "",
                "type": _TYPES.get(field.kind, "text"),
                "kind": field.kind,
                "required": field.required,
                "options": [str(field.to_json(each)) for each in field.enum] if field.enum else [],
                "longest": field.constraints.max_length,
                "value": visit.form[sent] if sent in visit.form else ("" if known is None else str(known)),
                "on": sent in visit.form if visit.form["csrf_token"] else bool(known),
            }
        )
    return found
