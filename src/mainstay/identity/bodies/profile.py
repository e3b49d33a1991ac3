"""The app's own fields of a user as the routes take them: their JSON Schema follows the app's declaration."""

from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, Field, WithJsonSchema, create_model

from mainstay.model.spec import FieldSpec

B = TypeVar("B", bound=BaseModel)


def object_of(fields: Mapping[str, FieldSpec], *, whole: bool = False) -> dict[str, Any]:
    """The schema of an object with some of these fields; with `whole` the required ones must be there."""
    found: dict[str, Any] = {"type": "object", "additionalProperties": False}
    found["properties"] = {name: field.schema() for name, field in fields.items()}
    required = [name for name, field in fields.items() if field.required] if whole else []
    return found | ({"required": required} if required else {})


def with_profile(body: type[B], fields: Mapping[str, FieldSpec], *, whole: bool = False) -> type[B]:
    """The body, its `profile` described. It may be left out or null, unless something in it is required."""
    described = object_of(fields, whole=whole)
    told = body.model_fields["profile"].description
    if "required" in described:
        needed = Annotated[dict[str, Any], WithJsonSchema(described), Field(description=told)]
        return create_model(body.__name__, __base__=body, __doc__=body.__doc__, profile=(needed, ...))
    either = {"anyOf": [described, {"type": "null"}]}
    optional = Annotated[dict[str, Any] | None, WithJsonSchema(either), Field(description=told)]
    return create_model(body.__name__, __base__=body, __doc__=body.__doc__, profile=(optional, None))
