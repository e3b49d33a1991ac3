"""The app's own columns of a user as fields of a form: drawn, and read again."""

from collections.abc import Mapping
from typing import Any

from mainstay.base.errors import FieldError, Invalid
from mainstay.identity.pages.form import Form
from mainstay.identity.pages.visit import Visit
from mainstay.model.spec import FieldSpec, Refused

PREFIX = "profile."
_TYPES = {"integer": "number", "float": "number", "decimal": "number", "date": "date", "time": "time"}
_TYPES |= {"datetime": "datetime-local"}
_FORMATS = {"email": "email", "url": "url", "phone": "tel"}
# A text that may be longer than this has a box of several lines.
ONE_LINE = 200
# Documents are for programs: no person fills in JSON.
NOT_DRAWN = frozenset({"json"})


def drawn(visit: Visit, fields: Mapping[str, FieldSpec], values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The fields as templates draw them; what was filled in goes before what is known."""
    return [
        _drawn(visit, name, field, values.get(name)) for name, field in fields.items() if field.kind not in NOT_DRAWN
    ]


def _drawn(visit: Visit, name: str, field: FieldSpec, known: Any) -> dict[str, Any]:
    sent, limits, key = PREFIX + name, field.constraints, f"profile.{name}"
    values = [str(field.to_json(each)) for each in field.enum] if field.enum else []
    return {
        "name": sent,
        "label": visit.said(key, str(field.schema()["title"])),
        "hint": visit.said(f"hints.{name}", field.description or ("UTC" if field.kind == "datetime" else "")),
        "kind": field.kind,
        "type": _FORMATS.get(limits.format or "", _TYPES.get(field.kind, "text")),
        "required": field.required,
        "options": [(value, visit.said(f"options.{name}.{value}", value)) for value in values],
        "longest": limits.max_length if field.kind == "text" else None,
        "least": limits.ge if field.kind in ("integer", "float", "decimal") else None,
        "most": limits.le if field.kind in ("integer", "float", "decimal") else None,
        "settled": False,
        "lines": field.kind == "list" or (field.kind == "text" and (limits.max_length or 0) > ONE_LINE),
        "value": visit.form[sent] if sent in visit.form else _shown(field, known),
        "on": sent in visit.form if visit.form["csrf_token"] else bool(known),
    }


def _shown(field: FieldSpec, known: Any) -> str:
    if known is None:
        return ""
    if field.kind == "list":
        return "\n".join(str(each) for each in known)
    # `2026-01-31T12:00:00.000000Z`: a browser's field knows no offset, and no more than milliseconds.
    return str(known)[:19] if field.kind == "datetime" else str(known)


def read(form: Form, fields: Mapping[str, FieldSpec], *, emptied: bool) -> dict[str, Any]:
    """JSON-ready values of these fields. What is empty is left out, or, with `emptied`, is taken away where that may
    be. Raises Invalid with every refused one.
    """
    values: dict[str, Any] = {}
    refused = []
    for name, field in fields.items():
        if field.kind in NOT_DRAWN:
            continue
        text = form[PREFIX + name].replace("\r\n", "\n").strip()
        try:
            if field.kind == "boolean":
                values[name] = PREFIX + name in form
            elif text:
                values[name] = _read(field, text)
                # Its limits as well, so that all that is wrong is told at once.
                field.accept(values[name])
            elif emptied and field.nullable:
                values[name] = None
            elif emptied and field.kind in ("text", "list"):
                values[name] = "" if field.kind == "text" else []
        except Refused as error:
            refused.append(FieldError(("body", "profile", name), error.code, error.message))
    if refused:
        raise Invalid(errors=refused)
    return values


def _read(field: FieldSpec, text: str) -> Any:
    if field.kind == "list":
        return [field.parse(line.strip()) for line in text.split("\n") if line.strip()]
    if field.kind == "datetime":
        # As browsers send it, often without seconds; the page says that it is UTC.
        text = f"{text}:00Z" if len(text) == 16 else f"{text}Z"
    return field.to_json(field.parse(text))
