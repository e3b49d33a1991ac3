"""The query parameters of generated operations: filters, search, order, shape, paging."""

from collections.abc import Iterator
from typing import Any

from mainstay.model.spec import FieldSpec, ResourceSpec
from mainstay.resources.openapi.fields import value_schema
from mainstay.resources.options import QueryOptions
from mainstay.resources.query.fields import shown_names
from mainstay.resources.registry import Registry

Parameter = dict[str, Any]

_SENTENCES = {
    "eq": "is this value",
    "ne": "is another value, or null",
    "lt": "is less than this",
    "lte": "is at most this",
    "gt": "is greater than this",
    "gte": "is at least this",
    "in": "is one of these",
    "nin": "is none of these",
    "is": "is null, or is not",
    "contains": "contains this text; ASCII case is folded",
    "startswith": "starts with this text",
    "endswith": "ends with this text",
    "has": "is a list that holds this value",
}
_QUOTED = '"([^"\\u0000]|"")*"'
_BARE = '[^",\\u0000]*'
_ITEM = f"({_BARE}|{_QUOTED})"


def parameter(name: str, schema: dict[str, Any], description: str, **more: Any) -> Parameter:
    """An optional query parameter."""
    return {"name": name, "in": "query", "required": False, "description": description, "schema": schema, **more}


def listed(name: str, items: dict[str, Any], most: int | None, description: str) -> Parameter:
    """A query parameter that holds several values separated by commas."""
    schema: dict[str, Any] = {"type": "array", "items": items, "minItems": 1}
    if most is not None:
        schema["maxItems"] = most
    return parameter(name, schema, description, style="form", explode=False)


def filters(spec: ResourceSpec, options: QueryOptions) -> list[Parameter]:
    """Every operator of every field that may be filtered by."""
    return [
        _filter(field, operator, options)
        for field in spec.fields.values()
        if field.filterable
        for operator in field.operators
    ]


def _filter(field: FieldSpec, operator: str, options: QueryOptions) -> Parameter:
    default = "has" if "has" in field.operators else "eq"
    bare = operator == default and field.name not in options.names.all()
    name = field.name if bare else f"{field.name}.{operator}"
    sentence = f"Rows whose `{field.name}` {_SENTENCES[operator]}."
    if operator == "is":
        return parameter(name, {"type": "string", "enum": ["null", "notnull"]}, sentence)
    schema = value_schema(field)
    if operator not in ("in", "nin"):
        return parameter(name, schema, sentence)
    if field.kind == "text":
        # A text may hold commas and quotes, so the list is one CSV record and its grammar is the pattern.
        record = {"type": "string", "pattern": f"^{_ITEM}(,{_ITEM}){{0,{options.in_max - 1}}}$"}
        return parameter(name, record, sentence + ' One CSV record: a value with a comma stands in quotes, a,"b,c".')
    return listed(name, schema, options.in_max, sentence)


def shaping(registry: Registry, spec: ResourceSpec) -> list[Parameter]:
    """`fields` and `expand`: they shape the rows of reads and of the answers to changes."""
    options = registry.options.query
    names, shown = options.names, list(shown_names(spec))
    found = [listed(names.fields, {"type": "string", "enum": shown}, None, "Only these fields.")]
    paths = list(_expandable(registry, spec, options.expand_depth))
    if paths:
        listing = {"type": "string", "enum": paths}
        found.append(listed(names.expand, listing, options.expand_max, "Related rows to show inside a row."))
    return found


def _expandable(registry: Registry, spec: ResourceSpec, depth: int) -> Iterator[str]:
    """The paths to name in the document: every relation, and theirs. Deeper ones work and would swell it."""
    for relation in spec.relations.values():
        target = registry.target(relation)
        if target is not None:
            yield relation.name
            if depth > 1:
                yield from (
                    f"{relation.name}.{below.name}"
                    for below in target.spec.relations.values()
                    if registry.target(below) is not None
                )


def paging(spec: ResourceSpec, options: QueryOptions) -> list[Parameter]:
    """`q`, `sort`, `limit`, `page`, `size`, `offset`, `count`; cursors are told in `opaque()`."""
    names = options.names
    sortable = [field.name for field in spec.fields.values() if field.sortable]
    orders = [*sortable, *(f"-{name}" for name in sortable)]
    most = {"type": "integer", "minimum": 1, "maximum": spec.options.max_page_size}
    found = [
        listed(
            names.sort, {"type": "string", "enum": orders}, options.sort_max, "The order; `-` turns a field around."
        ),
        parameter(names.limit, {**most, "default": spec.options.page_size}, "Rows on a page."),
        parameter(
            names.page,
            {"type": "integer", "minimum": 1, "maximum": options.page_max},
            f"This page, counted from 1, with totals. `{names.after}` and `{names.before}` go before it.",
        ),
        parameter(names.size, most, f"Rows on a page when `{names.page}` is used."),
        parameter(
            names.offset,
            {"type": "integer", "minimum": 0, "maximum": options.offset_max},
            f"Skip this many rows. `{names.page}` goes before it.",
        ),
        parameter(
            names.count,
            {"type": "string", "enum": ["none", "exact", "estimated"]},
            "How many rows there are in all, counted or estimated.",
        ),
    ]
    if spec.searchable:
        found.insert(
            0,
            parameter(
                names.q,
                {"type": "string", "pattern": "^[^\\u0000]*$", "maxLength": options.search_max},
                "Full-text search: rows with all these words.",
            ),
        )
    return found


def opaque(options: QueryOptions) -> list[Parameter]:
    """The parameters whose values only the server makes: cursors. See docs/decisions on why they are listed apart."""
    names = options.names
    text = {"type": "string"}
    return [
        parameter(names.after, text, f"The rows after this place: a `{options.envelope.next}` cursor from an answer."),
        parameter(
            names.before, text, f"The rows before this place: a `{options.envelope.prev}` cursor from an answer."
        ),
    ]
