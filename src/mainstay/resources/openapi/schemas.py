"""JSON Schemas made exact: what the server takes is what the schema allows, and nothing else."""

from collections.abc import Mapping
from typing import Any

# No field can hold NUL (PostgreSQL's text cannot), so no schema may promise to take it.
_NO_NUL = "[^\\u0000]"


def exact_text(schema: dict[str, Any]) -> dict[str, Any]:
    """The same string schema with NUL excluded, where nothing narrower is said already."""
    if "pattern" in schema or "enum" in schema or "const" in schema or "format" in schema:
        return schema
    least, most = schema.get("minLength", 0), schema.get("maxLength", "")
    return {**schema, "pattern": f"^{_NO_NUL}{{{least},{most}}}$" if least or most != "" else f"^{_NO_NUL}*$"}


def exact(schema: Any) -> Any:
    """The same schema with every string in it made exact, however deep."""
    if isinstance(schema, list):
        return [exact(each) for each in schema]
    if not isinstance(schema, Mapping):
        return schema
    found = {name: _exact_member(name, value) for name, value in schema.items()}
    return exact_text(found) if found.get("type") == "string" else found


def _exact_member(name: str, value: Any) -> Any:
    if name in ("properties", "$defs", "patternProperties") and isinstance(value, Mapping):
        return {each: exact(schema) for each, schema in value.items()}
    if name in ("items", "additionalProperties", "anyOf", "oneOf", "allOf", "prefixItems", "not"):
        return exact(value)
    return value


def with_references(schema: Any, names: Mapping[str, str]) -> Any:
    """The same schema with Pydantic's local definitions pointed at components under their new names."""
    if isinstance(schema, list):
        return [with_references(each, names) for each in schema]
    if not isinstance(schema, Mapping):
        return schema
    found = {name: with_references(value, names) for name, value in schema.items()}
    reference = found.get("$ref")
    if isinstance(reference, str) and reference.startswith("#/$defs/"):
        found["$ref"] = f"#/components/schemas/{names[reference.removeprefix('#/$defs/')]}"
    return found


PROBLEM: dict[str, Any] = {
    "type": "object",
    "title": "Problem",
    "description": "A refusal (RFC 9457).",
    "required": ["type", "title", "status", "detail", "instance", "code", "request_id"],
    "properties": {
        "type": {"type": "string", "description": "A URI that names the kind of problem."},
        "title": {"type": "string", "description": "The kind of problem in words."},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string", "description": "What is so, and what to do."},
        "instance": {"type": "string", "description": "The path that was asked for."},
        "code": {"type": "string", "description": "A stable name for programs."},
        "request_id": {"type": "string", "description": "Quote it when you ask for help."},
        "errors": {
            "type": "array",
            "description": "Each refused value.",
            "items": {
                "type": "object",
                "required": ["loc", "code", "message"],
                "properties": {
                    "loc": {"type": "array", "items": {"anyOf": [{"type": "string"}, {"type": "integer"}]}},
                    "code": {"type": "string"},
                    "message": {"type": "string"},
                },
            },
        },
    },
    "examples": [
        {
            "type": "urn:mainstay:problem:invalid",
            "title": "Values not acceptable",
            "status": 422,
            "detail": "One value is not acceptable.",
            "instance": "/api/v1/books",
            "code": "invalid",
            "request_id": "5f0c6a4e9b1d4c0c8a52ce0bd2a7a1b3",
            "errors": [{"loc": ["body", "title"], "code": "too_long", "message": "Send at most 200 characters."}],
        }
    ],
}
