"""POST /batch as OpenAPI says it: every operation that may stand in a batch, with its own body."""

from typing import Any

from mainstay.resources.openapi.models import ModelSchemas
from mainstay.resources.openapi.responses import WRITING, refusals
from mainstay.resources.registry import Registered, Registry
from mainstay.resources.rest import RestOptions

Schema = dict[str, Any]

_UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_KEYS = {"uuid": _UUID, "integer": "(0|[1-9][0-9]{0,8})"}
_TEXT_KEY = "[A-Za-z0-9_.~-]{1,100}"


def batch_operation(
    registry: Registry, models: ModelSchemas, options: RestOptions, signed: list[dict[str, list[str]]]
) -> Schema:
    """The operation on `/batch`. Anonymous callers may send one; each operation asks for its own rights."""
    choices = [choice for entry in registry for choice in _choices(entry, models)]
    operations = {"type": "array", "minItems": 1, "maxItems": options.batch, "items": {"anyOf": choices}}
    body = {
        "type": "object",
        "title": "Batch",
        "required": ["operations"],
        "properties": {"operations": operations},
        "additionalProperties": False,
    }
    return {
        "operationId": "batch",
        "summary": "Do many operations in one transaction: all of them or none",
        "description": "A refusal names the operation by its index, in `operation` and in each `loc`.",
        "tags": ["batch"],
        "requestBody": {"required": True, "content": {"application/json": {"schema": body}}},
        "responses": {"200": _answer(), **refusals((*WRITING, 405))},
        "security": signed,
    }


def _choices(entry: Registered, models: ModelSchemas) -> list[Schema]:
    hidden, key = entry.spec.options.hide, _KEYS.get(entry.spec.key.kind, _TEXT_KEY)
    if "batch" in hidden:
        return []
    item = {"type": "string", "pattern": f"^/{entry.name}/{key}$"}
    found = []
    if "create" not in hidden:
        found.append(_choice("POST", {"const": f"/{entry.name}"}, models.reference(entry, "create")))
    if "replace" not in hidden:
        found.append(_choice("PUT", item, models.reference(entry, "replace")))
    if "update" not in hidden:
        found.append(_choice("PATCH", item, models.reference(entry, "update")))
    if "delete" not in hidden:
        found.append(_choice("DELETE", item, None))
    return found


def _choice(method: str, path: Schema, body: Schema | None) -> Schema:
    properties: dict[str, Schema] = {"method": {"const": method}, "path": path}
    if body is not None:
        properties["body"] = body
    return {
        "type": "object",
        "required": list(properties),
        "properties": properties,
        "additionalProperties": False,
    }


def _answer() -> Schema:
    result = {
        "type": "object",
        "required": ["status", "headers", "body"],
        "properties": {
            "status": {"type": "integer"},
            "headers": {"type": "object", "additionalProperties": {"type": "string"}},
            "body": {"description": "The row as it is now; null after a deletion."},
        },
    }
    results = {"type": "array", "items": result}
    schema = {"type": "object", "required": ["results"], "properties": {"results": results}}
    return {"description": "One result for each operation.", "content": {"application/json": {"schema": schema}}}
