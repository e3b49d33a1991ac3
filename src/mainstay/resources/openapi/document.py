"""Paths and components of every generated operation, to be merged into the app's own document."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from mainstay.resources.openapi.batch import batch_operation
from mainstay.resources.openapi.models import ModelSchemas
from mainstay.resources.openapi.operations import ResourceOperations
from mainstay.resources.openapi.responses import shared_responses
from mainstay.resources.openapi.schemas import PROBLEM
from mainstay.resources.registry import Registry
from mainstay.resources.rest import RestOptions

Document = dict[str, Any]


def openapi_fragment(
    registry: Registry,
    options: RestOptions | None = None,
    security: Sequence[Mapping[str, Sequence[str]]] = ({"bearer": ()},),
) -> Document:
    """`paths`, `components` and `tags` of an OpenAPI 3.1 document.

    `security` are the requirements, one of which suffices, of operations that need a signed-in caller; operations
    that a policy may allow to anybody need none.
    """
    chosen = options or RestOptions()
    models = ModelSchemas(registry)
    signed = [{name: list(scopes) for name, scopes in each.items()} for each in security]
    paths: Document = {}
    tags: list[Document] = []
    for entry in registry:
        operations = ResourceOperations(registry, entry, models, chosen, signed)
        paths.update(operations.paths())
        tags.extend(operations.tags())
    paths[f"{chosen.prefix}/batch"] = {"post": batch_operation(registry, models, chosen, signed)}
    components = {"schemas": {**models.components(), "Problem": PROBLEM}, "responses": shared_responses()}
    # Through JSON once: nothing shared by reference is left to be changed by accident, and no subclass of str.
    plain: Document = orjson.loads(orjson.dumps({"paths": paths, "components": components, "tags": tags}))
    return plain
