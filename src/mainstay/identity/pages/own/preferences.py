"""What one chooses for oneself: a form made from the model that the app declared."""

from collections.abc import Iterator, Mapping
from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from mainstay.base.errors import FieldError, Invalid
from mainstay.identity.identity import Identity
from mainstay.identity.pages.site import Site, require_scope
from mainstay.identity.pages.visit import Visit

PREFIX = "preference."
_TYPES = {"integer": "number", "number": "number", "string": "text", "boolean": "checkbox"}


def own_preferences(site: Site) -> Iterator[Route]:
    if has_preferences(site.identity):
        pages = OwnPreferences(site)
        yield site.route("preferences", pages.show, pages.change, who="owner")


def has_preferences(identity: Identity) -> bool:
    """Whether there is anything that a form can ask for."""
    return bool(plain_fields(identity.profiles.preference_schema()))


def plain_fields(schema: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The properties that are one text, number, choice or yes-or-no; the rest is for programs."""
    shared, found = schema.get("$defs", {}), {}
    for name, property_ in schema.get("properties", {}).items():
        whole = dict(property_)
        if "$ref" in whole:
            whole = {**shared.get(whole.pop("$ref").rpartition("/")[2], {}), **whole}
        whole["enum"] = [whole["const"]] if "const" in whole else whole.get("enum", [])
        if whole.get("type") in _TYPES:
            found[name] = whole
    return found


class OwnPreferences:
    """Handlers. What is emptied goes back to the app's default (RFC 7396's null)."""

    def __init__(self, site: Site) -> None:
        self._site, self._profiles = site, site.identity.profiles
        self._fields = plain_fields(self._profiles.preference_schema())

    async def show(self, visit: Visit) -> Response:
        require_scope(visit, "profile:read")
        values = await self._profiles.preferences(visit.me.id)
        drawn = [_drawn(visit, name, field, values.get(name)) for name, field in self._fields.items()]
        return self._site.show(visit, "preferences", own_fields=drawn)

    async def change(self, visit: Visit) -> Response:
        require_scope(visit, "profile:write")
        patch = {name: _read(visit, name, field) for name, field in self._fields.items()}
        try:
            await self._profiles.change_preferences(visit.me.id, patch)
        except Invalid as error:
            moved = [
                FieldError(("body", "preference", *each.loc[1:]), each.code, each.message) for each in error.errors
            ]
            raise Invalid(error.detail, errors=moved) from None
        return visit.go(visit.to("preferences", done="preferences"))


def _read(visit: Visit, name: str, field: Mapping[str, Any]) -> Any:
    text = visit.form[PREFIX + name].strip()
    if field["type"] == "boolean":
        return PREFIX + name in visit.form
    if not text:
        return None
    if field["enum"]:
        return next((each for each in field["enum"] if str(each) == text), text)
    try:
        return {"integer": int, "number": float}.get(field["type"], str)(text)
    except ValueError:
        return text  # the model says what is wrong with it


def _drawn(visit: Visit, name: str, field: Mapping[str, Any], known: Any) -> dict[str, Any]:
    sent, key = PREFIX + name, f"preference.{name}"
    return {
        "name": sent,
        "label": visit.said(key, str(field.get("title", name))),
        "hint": visit.said(f"hints.{name}", field.get("description", "")),
        "kind": field["type"],
        "type": _TYPES[field["type"]],
        "required": False,
        "options": [(str(each), visit.said(f"options.{name}.{each}", str(each))) for each in field["enum"]],
        "longest": field.get("maxLength"),
        "least": field.get("minimum"),
        "most": field.get("maximum"),
        "settled": True,
        "lines": False,
        "value": visit.form[sent] if sent in visit.form else ("" if known is None else str(known)),
        "on": sent in visit.form if visit.form["csrf_token"] else bool(known),
    }
