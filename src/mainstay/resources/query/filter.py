"""Filters: `field=value`, `field.op=value`, and the same behind one or more relations."""

from dataclasses import dataclass
from typing import Any

from mainstay.base.errors import FieldError
from mainstay.model.spec import FieldSpec, ResourceSpec
from mainstay.resources.options import QueryOptions
from mainstay.resources.query.terms import Filter
from mainstay.resources.query.text import csv_record
from mainstay.resources.registry import Registry

_LISTS = ("in", "nin")
_NULLNESS = {"null": True, "notnull": False}


class Mistake(Exception):
    """One parameter refused; the parser collects them."""

    def __init__(self, name: str, code: str, message: str) -> None:
        super().__init__(message)
        self.error = FieldError(("query", name), code, message)


@dataclass(frozen=True, slots=True)
class Target:
    """What a filter's name leads to."""

    name: str
    relations: tuple[str, ...]
    field: FieldSpec
    operator: str


def find_target(registry: Registry, spec: ResourceSpec, name: str, deepest: int) -> Target | None:
    """The field and operator that a parameter's name stands for; None where there is no such thing."""
    parts = name.split(".")
    relations: list[str] = []
    while len(parts) > 1 and parts[0] in spec.relations and len(relations) < deepest:
        found = registry.target(spec.relations[parts[0]])
        if found is None:
            return None
        relations.append(parts.pop(0))
        spec = found.spec
    field = spec.fields.get(parts[0])
    if field is None or not field.filterable or len(parts) > 2:
        return None
    operator = parts[1] if len(parts) == 2 else "has" if "has" in field.operators else "eq"
    if operator not in field.operators:
        return None
    return Target(".".join((*relations, parts[0], operator)), tuple(relations), field, operator)


def names_near(registry: Registry, spec: ResourceSpec, name: str) -> list[str]:
    """Names of filters that a misspelt one may have meant: of the resource itself, and behind its relation."""
    prefix, _, _ = name.rpartition(".")
    found: list[str] = []
    for field in spec.fields.values():
        if field.filterable:
            found.append(field.name)
            if prefix == field.name:
                found += [f"{field.name}.{operator}" for operator in field.operators]
    for relation in spec.relations.values():
        target = registry.target(relation)
        if target is not None and name.startswith(relation.name[:1]):
            found += [f"{relation.name}.{each.name}" for each in target.spec.fields.values() if each.filterable]
    return found


def read_filter(target: Target, given: str, text: str, options: QueryOptions) -> Filter:
    """The condition. Raises Mistake for a value that the field doesn't take."""
    value: Any
    name = target.name
    if target.operator == "is":
        if text not in _NULLNESS:
            raise Mistake(given, "null_test", "Send null or notnull.")
        value = _NULLNESS[text]
        name = f"{name}:{text}"
    elif target.operator in _LISTS:
        record = csv_record(text)
        if record is None:
            raise Mistake(
                given, "csv", 'Send one CSV record: values with commas or quotes stand in quotes, as in a,"b,c".'
            )
        if len(record) > options.in_max:
            raise Mistake(given, "too_many", f"Send at most {options.in_max} values.")
        value = [_value(target.field, given, each) for each in record]
    elif target.operator in ("contains", "startswith", "endswith"):
        value = text
    else:
        value = _value(target.field, given, text)
    return Filter(name, target.relations, target.field.name, target.operator, value, text)


def _value(field: FieldSpec, given: str, text: str) -> Any:
    try:
        return field.parse(text)
    except ValueError as refused:
        raise Mistake(given, getattr(refused, "code", "value"), str(refused)) from None
