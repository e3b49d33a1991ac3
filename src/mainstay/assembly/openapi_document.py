"""One OpenAPI document: the app's own operations as FastAPI describes them, and the generated ones."""

import copy
from collections.abc import Iterator, Mapping
from typing import Any

import orjson
import yaml
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from mainstay.base.errors import Rejected

Document = dict[str, Any]

_METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_REFUSED: Document = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}


def merge(own: Document, generated: Document, security_schemes: Mapping[str, Any]) -> Document:
    """The generated paths and components beside the app's own; the app's win where both describe the same operation.

    FastAPI's description of its validation errors is replaced by the problem that is really answered.
    """
    merged = copy.deepcopy(own)
    merged["openapi"] = "3.1.0"
    _describe_refusals(merged)
    components = merged.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    renamed = _clashes(schemas, generated.get("components", {}).get("schemas", {}))
    added = _renamed(copy.deepcopy(generated), renamed) if renamed else copy.deepcopy(generated)
    for kind, entries in added.get("components", {}).items():
        target = components.setdefault(kind, {})
        for name, entry in entries.items():
            target.setdefault(name, entry)
    schemes = components.setdefault("securitySchemes", {})
    # FastAPI describes our scheme as the dependency does, which knows no scopes.
    schemes.update(security_schemes)
    paths = merged.setdefault("paths", {})
    for path, item in added.get("paths", {}).items():
        paths[path] = {**item, **paths.get(path, {})}
    tags = merged.get("tags", [])
    known = {tag["name"] for tag in tags}
    tags = [*tags, *(tag for tag in added.get("tags", []) if tag["name"] not in known)]
    if tags:
        merged["tags"] = tags
    return merged


def refusals(*statuses: int) -> dict[int | str, Document]:
    """The entries of these statuses in an operation of ours."""
    titles = {kind.status: kind.title for kind in Rejected.__subclasses__()}
    return {status: {"description": titles[status], "content": _REFUSED} for status in statuses}


def document_routes(openapi: Any, url: str, root_path_in_servers: bool) -> list[Route]:
    """The document as JSON at `url`, and as YAML beside it."""
    rendered: dict[tuple[int, str, bool], tuple[Any, bytes]] = {}

    def render(request: Request, as_yaml: bool) -> bytes:
        document = openapi()
        root = str(request.scope.get("root_path", "")).rstrip("/") if root_path_in_servers else ""
        key = (id(document), root, as_yaml)
        if key not in rendered:
            if len(rendered) > 16:
                rendered.clear()
            servers = document.get("servers", [])
            if root and all(server.get("url") != root for server in servers):
                document_here = {**document, "servers": [{"url": root}, *servers]}
            else:
                document_here = document
            # The document is kept beside its bytes: an id alone could come to mean another document.
            rendered[key] = document, _dump(document_here, as_yaml)
        return rendered[key][1]

    async def as_json(request: Request) -> Response:
        return Response(render(request, False), media_type="application/json")

    async def as_yaml(request: Request) -> Response:
        return Response(render(request, True), media_type="application/yaml")

    beside = url.removesuffix(".json") + ".yaml"
    return [Route(url, as_json, include_in_schema=False), Route(beside, as_yaml, include_in_schema=False)]


def _dump(document: Document, as_yaml: bool) -> bytes:
    if not as_yaml:
        return orjson.dumps(document)
    # Through JSON first: YAML would write Python's own enums and aliases for shared parts.
    plain = orjson.loads(orjson.dumps(document))
    return yaml.safe_dump(plain, sort_keys=False, allow_unicode=True).encode()


def operations(document: Document) -> Iterator[tuple[str, str, Document]]:
    """Each operation with its path and method."""
    for path, item in document.get("paths", {}).items():
        for method in _METHODS:
            if method in item:
                yield path, method, item[method]


def _describe_refusals(document: Document) -> None:
    for _, _, operation in operations(document):
        responses = operation.setdefault("responses", {})
        described = responses.get("422", {}).get("content", {}).get("application/json", {}).get("schema", {})
        if described.get("$ref") == "#/components/schemas/HTTPValidationError":
            responses["422"] = {"description": "Values not acceptable", "content": _REFUSED}
        responses.setdefault("default", {"description": "Refused", "content": _REFUSED})
    schemas = document.get("components", {}).get("schemas", {})
    text = orjson.dumps(document.get("paths", {}))
    if b"#/components/schemas/HTTPValidationError" not in text:
        schemas.pop("HTTPValidationError", None)
        schemas.pop("ValidationError", None)


def _clashes(own: Mapping[str, Any], generated: Mapping[str, Any]) -> dict[str, str]:
    return {name: f"{name}Resource" for name, schema in generated.items() if name in own and own[name] != schema}


def _renamed(fragment: Document, names: Mapping[str, str]) -> Document:
    prefix = "#/components/schemas/"
    references = {prefix + old: prefix + new for old, new in names.items()}

    def walk(node: Any) -> Any:
        if isinstance(node, dict):
            return {key: references.get(value, value) if key == "$ref" else walk(value) for key, value in node.items()}
        return [walk(each) for each in node] if isinstance(node, list) else node

    fragment = walk(fragment)
    schemas = fragment["components"]["schemas"]
    fragment["components"]["schemas"] = {names.get(name, name): schema for name, schema in schemas.items()}
    return fragment
