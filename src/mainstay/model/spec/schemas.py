"""Pydantic models derived from a resource: what create, replace and update take, and what answers show."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Protocol

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    ValidationError,
    WithJsonSchema,
    create_model,
)
from pydantic_core import PydanticCustomError

from mainstay.base.errors import FieldError
from mainstay.model.spec.field_spec import FieldSpec
from mainstay.model.types import Refused

Shape = Literal["create", "replace", "update", "read"]


class Shaped(Protocol):
    """What a schema needs to know of a resource."""

    @property
    def model(self) -> type[Any]: ...
    @property
    def fields(self) -> dict[str, FieldSpec]: ...
    @property
    def computed(self) -> Mapping[str, Any]: ...
    @property
    def counts(self) -> Mapping[str, Any]: ...
    @property
    def description(self) -> str: ...
    def writable(self, operation: str) -> dict[str, FieldSpec]: ...


def derive(spec: Shaped, shape: Shape) -> type[BaseModel]:
    """The model for one shape. Unknown names are refused; values are checked by the same code as everywhere."""
    name = f"{spec.model.__name__}{shape.capitalize()}"
    fields: dict[str, Any] = {}
    if shape == "read":
        fields.update({n: _shown(f) for n, f in spec.fields.items() if f.readable})
        for computed in spec.computed.values():
            fields[computed.name] = (Annotated[Any, WithJsonSchema(computed.schema)], Field())
        for count in spec.counts:
            schema = {"type": "integer", "minimum": 0, "title": count.replace("_", " ").capitalize()}
            fields[count] = (Annotated[int, WithJsonSchema(schema)], Field())
    else:
        fields.update({n: _taken(f, shape) for n, f in spec.writable(shape).items()})
    config = ConfigDict(extra="forbid", title=name, arbitrary_types_allowed=True, protected_namespaces=())
    made: type[BaseModel] = create_model(name, __config__=config, __doc__=spec.description, **fields)
    return made


def _taken(field: FieldSpec, shape: Shape) -> tuple[Any, Any]:
    schema = field.schema()
    if field.default_value is not None and shape != "update":
        schema["default"] = field.to_json(field.default_value)
    annotation = _annotated(field, PlainValidator(_validator(field)), WithJsonSchema(schema))
    if field.required and shape != "update":
        return annotation, Field()
    # A factory keeps `null` out of the schema; what was not sent is told by model_fields_set.
    return annotation, Field(default_factory=lambda: None)


def _shown(field: FieldSpec) -> tuple[Any, Any]:
    annotation = _annotated(
        field,
        PlainValidator(lambda value: None if value is None else field.values.accept(value)),
        PlainSerializer(field.to_json, when_used="json"),
        WithJsonSchema(field.shown_schema()),
    )
    return annotation, Field()


def _annotated(field: FieldSpec, *told: Any) -> Any:
    kind = field.values.python_type
    return Annotated[(kind | None if field.nullable else kind, *told)]


def _validator(field: FieldSpec) -> Any:
    def validate(value: Any) -> Any:
        try:
            return field.accept(value)
        except Refused as refused:
            raise PydanticCustomError(refused.code, "{message}", {"message": refused.message}) from refused

    return validate


def field_errors(error: ValidationError) -> list[FieldError]:
    """What Pydantic found wrong, in our words: place, code, sentence; never the value itself."""
    found = []
    for entry in error.errors(include_url=False, include_context=False, include_input=False):
        message = entry["msg"].removeprefix("Value error, ")
        found.append(FieldError(tuple(entry["loc"]), entry["type"], message))
    return found
