"""The JSON Schema of one field, bounds spelled out, so that it allows what the server takes and nothing else."""

from decimal import Decimal
from typing import Any

from mainstay.model.spec import FieldSpec
from mainstay.resources.openapi.decimals import decimal_pattern
from mainstay.resources.openapi.schemas import exact

Schema = dict[str, Any]

# What str.strip() takes away, which is a little more than a regular expression's \\s.
_BLANK = "\\t-\\r\\u001c-\\u0020\\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000"
_ANY = {"$ref": "#/components/schemas/JsonValue"}
_NAME = {"type": "string", "pattern": "^[^\\u0000]*$"}

JSON_SCHEMAS: dict[str, Schema] = {
    "JsonValue": {
        "title": "JsonValue",
        "description": "Any JSON value, without NUL characters.",
        "anyOf": [
            {"type": "null"},
            {"type": "boolean"},
            {"type": "number"},
            _NAME,
            {"type": "array", "items": _ANY},
            {"type": "object", "propertyNames": _NAME, "additionalProperties": _ANY},
        ],
    },
    "JsonObject": {
        "title": "JsonObject",
        "description": "Any JSON object, without NUL characters.",
        "type": "object",
        "propertyNames": _NAME,
        "additionalProperties": _ANY,
    },
}


def field_schema(field: FieldSpec) -> Schema:
    """What the field takes on create, replace and update."""
    found = field.schema()
    inner, rest = _unwrapped(found, field.nullable)
    inner = _inner(field, inner)
    return {"anyOf": [*inner.get("anyOf", [inner]), {"type": "null"}], **rest} if field.nullable else {**inner, **rest}


def value_schema(field: FieldSpec) -> Schema:
    """What one value of a filter is, as text. A field's own limits don't bind what it is compared with."""
    kind = getattr(field.values, "item", field.values)
    schema = kind.schema()
    if kind.name == "decimal":
        # In a query every number is text.
        return {"type": "string", "pattern": decimal_pattern(getattr(kind, "digits", 18), getattr(kind, "places", 4))}
    found: Schema = exact(schema)
    return found


def key_schema(key: FieldSpec) -> Schema:
    """A row's key, in a path or a list of keys."""
    if key.kind == "text":
        return {"type": "string", "minLength": 1, "pattern": "^[^\\u0000/]+$"}
    return key.values.schema()


def _unwrapped(found: Schema, nullable: bool) -> tuple[Schema, Schema]:
    """The schema of a value that is not null, and the words about it."""
    words: Schema = {name: found[name] for name in ("title", "description", "examples", "deprecated") if name in found}
    bare = {name: value for name, value in found.items() if name not in words}
    return (bare["anyOf"][0] if nullable else bare), words


def _inner(field: FieldSpec, schema: Schema) -> Schema:
    kind = field.values
    if kind.name == "decimal":
        return _decimal(field)
    if kind.name == "json":
        return {"$ref": f"#/components/schemas/{'JsonObject' if getattr(kind, 'object_only', False) else 'JsonValue'}"}
    if (
        kind.name == "text"
        and field.constraints.trim
        and field.constraints.pattern is None
        and not field.constraints.format
    ):
        return {"type": "string", "pattern": _trimmed(field.constraints.min_length or 0, field.constraints.max_length)}
    if kind.name == "list":
        items = getattr(kind, "item", None)
        if items is not None and items.name == "json":
            return {**schema, "items": _ANY}
    found: Schema = exact(schema)
    return found


def _trimmed(least: int, most: int | None) -> str:
    """Text whose length is counted without the blanks around it, which may be there."""
    inner, edge, blanks = "[^\\u0000]", f"[^\\u0000{_BLANK}]", f"[{_BLANK}]*"
    longest = "" if most is None else max(most - 2, 0)
    if least > 1:
        core = f"{edge}{inner}{{{least - 2},{longest}}}{edge}"
    else:
        core = edge if most == 1 else f"{edge}({inner}{{0,{longest}}}{edge})?"
        core = core if least else f"({core})?"
    return f"^{blanks}{core}{blanks}$"


def _decimal(field: FieldSpec) -> Schema:
    limits, kind = field.constraints, field.values
    digits, places = getattr(kind, "digits", 18), getattr(kind, "places", 4)
    bounds = {name: getattr(limits, name) for name in ("ge", "gt", "le", "lt")}
    pattern = decimal_pattern(digits, places, **bounds)
    most = Decimal(10**digits - 1).scaleb(-places)
    lowest = max([-most, *(b for b in (limits.ge, limits.gt) if b is not None)])
    highest = min([most, *(b for b in (limits.le, limits.lt) if b is not None)])
    number = {"type": "number", "multipleOf": float(Decimal(1).scaleb(-places))} if places else {"type": "integer"}
    return {"anyOf": [{"type": "string", "pattern": pattern}, _bounded(number, lowest, highest, limits)]}


def _bounded(schema: Schema, lowest: Decimal, highest: Decimal, limits: Any) -> Schema:
    found = dict(schema)
    found["exclusiveMinimum" if lowest == limits.gt else "minimum"] = _number(lowest)
    found["exclusiveMaximum" if highest == limits.lt else "maximum"] = _number(highest)
    return found


def _number(value: Decimal) -> int | float:
    if value == value.to_integral_value() or Decimal(repr(float(value))) != value:
        # A bound with more digits than a double holds would be rounded up: the whole number below it stands for it.
        return int(value)
    return float(value)
