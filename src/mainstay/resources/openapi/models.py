"""The schemas of rows: what each resource takes and shows, as components."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel

from mainstay.model.spec import FieldSpec
from mainstay.resources.link_names import link_names
from mainstay.resources.openapi.fields import JSON_SCHEMAS, field_schema, key_schema
from mainstay.resources.openapi.schemas import exact, with_references
from mainstay.resources.options import QueryOptions
from mainstay.resources.registry import Registered, Registry

Schema = dict[str, Any]
Shape = Literal["create", "replace", "update", "read"]


# Keys in one list of linked rows.
LINKS_MOST = 1_000


class ModelSchemas:
    """Every schema of every resource, made when it is first referred to."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._made: dict[str, Schema] = {}
        titles = [entry.spec.model.__name__ for entry in registry]
        self._titles = {
            entry.name: title if titles.count(title) == 1 else f"{title}_{entry.name}"
            for entry, title in zip(registry, titles, strict=True)
        }

    def title(self, entry: Registered) -> str:
        """The name of the schema that answers show."""
        return self._titles[entry.name]

    def reference(self, entry: Registered, shape: Shape) -> Schema:
        """`$ref` to the schema of this shape."""
        name = self._titles[entry.name] + ("" if shape == "read" else shape.capitalize())
        if name not in self._made:
            self._made[name] = {}
            own: type[BaseModel] | None = getattr(entry.spec.options, shape)
            if shape == "replace" and own is None:
                own = entry.spec.options.create
            self._made[name] = self._users_own(name, own, shape) if own else self._derived(name, entry, shape)
        return {"$ref": f"#/components/schemas/{name}"}

    def page(self, entry: Registered, options: QueryOptions) -> Schema:
        """`$ref` to the schema of a list answer."""
        name = f"{self._titles[entry.name]}Page"
        if name not in self._made:
            self._made[name] = _page(name, self.reference(entry, "read"), options)
        return {"$ref": f"#/components/schemas/{name}"}

    def components(self) -> dict[str, Schema]:
        """Every schema that was referred to."""
        return {**self._made, **JSON_SCHEMAS}

    def _derived(self, name: str, entry: Registered, shape: Shape) -> Schema:
        spec = entry.spec
        found: Schema = {"type": "object", "title": name, "description": spec.description}
        if shape == "read":
            found["properties"] = self._shown(entry)
            return found
        fields = spec.writable(shape)
        found["properties"] = {each: _taken(field, shape) for each, field in fields.items()} | self._links(entry)
        required = [each for each, field in fields.items() if field.required]
        if required and shape != "update":
            found["required"] = required
        return {**found, "additionalProperties": False}

    def _links(self, entry: Registered) -> dict[str, Schema]:
        """The lists of keys that set many-to-many relations."""
        found: dict[str, Schema] = {}
        for name, relation in link_names(entry.spec).items():
            target = self._registry.target(relation)
            if target is not None:
                words = f"The keys of all {target.name} to be linked as `{relation.name}`."
                keys = key_schema(target.spec.key)
                found[name] = {"type": "array", "items": keys, "maxItems": LINKS_MOST, "description": words}
        return found

    def _shown(self, entry: Registered) -> dict[str, Schema]:
        spec = entry.spec
        shown = {name: field.shown_schema() for name, field in spec.fields.items() if field.readable}
        shown |= {name: computed.schema for name, computed in spec.computed.items()}
        for name in entry.access.field_read:
            if name in shown:
                # Whom the mask does not admit is shown null.
                shown[name] = {"anyOf": [shown[name], {"type": "null"}]}
        shown |= {name: {"type": "integer", "minimum": 0} for name in spec.counts}
        for relation in spec.relations.values():
            target = self._registry.target(relation)
            if target is None:
                continue
            row = self.reference(target, "read")
            if relation.kind == "one":
                shown[relation.name] = {"anyOf": [row, {"type": "null"}], "description": "When expanded."}
            else:
                shown[relation.name] = {
                    **self.page(target, self._registry.options.query),
                    "description": "When expanded.",
                }
        paths = {"type": "object", "additionalProperties": {"type": "string"}}
        shown["_links"] = {**paths, "description": "Paths of related rows, when `links=true` asks for them."}
        deeds = {"type": "array", "items": {"type": "string", "enum": ["replace", "update", "delete"]}}
        shown["_actions"] = {**deeds, "description": "What you may do with the row, when `links=true` asks for it."}
        if entry.access.proofs:
            wanted = {"type": "object", "additionalProperties": {"type": "object"}}
            shown["_step_up"] = {
                **wanted,
                "description": "By action, the proof that you have to give at `/auth/step-up` before you may take it.",
            }
        return shown

    def _users_own(self, name: str, model: type[BaseModel], shape: Shape) -> Schema:
        mode: Literal["serialization", "validation"] = "serialization" if shape == "read" else "validation"
        schema = model.model_json_schema(mode=mode)
        definitions: Mapping[str, Any] = schema.pop("$defs", {})
        names = {each: f"{name}_{each}" for each in definitions}
        for each, definition in definitions.items():
            self._made[names[each]] = exact(with_references(definition, names))
        found: Schema = exact(with_references(schema, names))
        if shape == "update":
            found.pop("required", None)
        return {**found, "title": name}


def _taken(field: FieldSpec, shape: Shape) -> Schema:
    schema = field_schema(field)
    if field.default_value is not None and shape != "update":
        schema["default"] = field.to_json(field.default_value)
    return schema


def _page(name: str, row: Schema, options: QueryOptions) -> Schema:
    names = options.envelope
    cursor = {"type": ["string", "null"], "description": "A cursor; null at the end."}
    number = {"type": "integer", "minimum": 0}
    return {
        "type": "object",
        "title": name,
        "required": [names.items],
        "properties": {
            names.items: {"type": "array", "items": row},
            names.next: {
                **cursor,
                "description": f"Send it as `{options.names.after}` for the rows after these; null at the end.",
            },
            names.prev: {**cursor, "description": f"Send it as `{options.names.before}` for the rows before these."},
            names.count: {**number, "description": f"All rows, when `{options.names.count}` asks for it."},
            names.page: {**number, "description": "This and the following: in page mode."},
            names.size: number,
            names.total: number,
            names.pages: number,
            names.has_next: {"type": "boolean"},
            names.has_prev: {"type": "boolean"},
        },
    }
