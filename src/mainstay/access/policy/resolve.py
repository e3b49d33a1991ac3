"""Rules made sure of against a resource: paths become columns, plain values become canonical ones."""

from dataclasses import dataclass
from typing import Any

from mainstay.access.rules import (
    OPPOSITE,
    ActorValue,
    Both,
    Compare,
    Constant,
    Contained,
    Either,
    HasRole,
    HasScope,
    IsOwner,
    Negated,
    Null,
    Operand,
    RowPath,
    Rule,
    SignedIn,
)
from mainstay.base.errors import ConfigurationError
from mainstay.model.spec import FieldSpec, Refused, RelationSpec, ResourceSpec, describe

UNCOMPARABLE = ("json", "list")


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """A field reached from the row over to-one relations."""

    names: tuple[str, ...]
    hops: tuple[RelationSpec, ...]
    field: FieldSpec

    def __str__(self) -> str:
        return ".".join(("row", *self.names))


@dataclass(frozen=True, slots=True, eq=False)
class Value:
    """A canonical value written into a rule."""

    value: Any


def resolve(rule: Rule, spec: ResourceSpec) -> Rule:
    """The same rule over `Column` and `Value` operands. Raises ConfigurationError for what the resource lacks."""
    match rule:
        case Both(parts):
            return Both(tuple(resolve(part, spec) for part in parts))
        case Either(parts):
            return Either(tuple(resolve(part, spec) for part in parts))
        case Negated(part):
            return Negated(resolve(part, spec))
        case IsOwner():
            if spec.owner_field is None:
                raise ConfigurationError(
                    f"A rule of {spec.model.__name__} says owner, and no field of it is owned().",
                    fix="Declare one: owner_id: Mapped[UUID] = owned().",
                )
            column = Column((spec.owner_field,), (), spec.fields[spec.owner_field])
            return Compare("==", column, ActorValue("id"), "owner")
        case Compare(operator, left, right):
            return _comparison(rule, spec, left, right, operator)
        case Contained(left, values):
            return _contained(spec, left, values)
        case Null(operand):
            return Null(_operand(operand, spec))
    return rule


def _comparison(rule: Compare, spec: ResourceSpec, left: Any, right: Any, operator: Any) -> Rule:
    first, second = _operand(left, spec), _operand(right, spec)
    if isinstance(first, Value) and not isinstance(second, Value):
        # `"x" == row.y`: Python turned it round already, but a literal may still stand left of an actor's value.
        first, second, operator = second, first, {"<": ">", ">": "<", "<=": ">=", ">=": "<="}.get(operator, operator)
    if isinstance(second, Column) and not isinstance(first, Column):
        first, second, operator = second, first, {"<": ">", ">": "<", "<=": ">=", ">=": "<="}.get(operator, operator)
    if (isinstance(first, ActorValue) and first.name != "id") or (
        isinstance(second, ActorValue) and second.name != "id"
    ):
        raise ConfigurationError(
            "actor.roles and actor.scopes are sets.", fix="Use role(), scope(), or field.in_(actor.roles)."
        )
    if isinstance(first, Column):
        _comparable(spec, first, operator)
        if isinstance(second, Value):
            second = Value(_literal(spec, first, second.value))
        elif isinstance(second, Column):
            _alike(spec, first, second)
        elif first.field.kind != "uuid":
            raise ConfigurationError(
                f"A rule of {spec.model.__name__} compares {first}, of kind {first.field.kind}, with actor.id.",
                fix="Compare a UUID field with it.",
            )
    return Compare(operator, first, second, rule.label)


def _contained(spec: ResourceSpec, left: Any, values: Any) -> Rule:
    column = _operand(left, spec)
    if not isinstance(column, Column):
        raise ConfigurationError(
            "in_() asks for a value of the caller.", fix="Use role() or scope(), or start from a field."
        )
    _comparable(spec, column, "==")
    if isinstance(values, ActorValue):
        if values.name == "id" or column.field.kind not in ("text", "enum"):
            raise ConfigurationError(
                f"{column}.in_({values!r}) compares kinds that differ.",
                fix="Use a text field with actor.roles or actor.scopes.",
            )
        return Contained(column, values)
    return Contained(column, Value(tuple(_literal(spec, column, value) for value in values)))


def _operand(operand: Any, spec: ResourceSpec) -> Column | ActorValue | Value:
    if isinstance(operand, RowPath):
        return _column(operand._names, spec)
    if isinstance(operand, ActorValue):
        return operand
    if isinstance(operand, Operand | Rule):
        raise ConfigurationError(
            f"A rule of {spec.model.__name__} compares with a rule.", fix="Compare with a field or a value."
        )
    return Value(operand)


def _column(names: tuple[str, ...], spec: ResourceSpec) -> Column:
    hops: list[RelationSpec] = []
    here = spec
    for name in names[:-1]:
        relation = here.relations.get(name)
        if relation is None or relation.kind != "one":
            raise ConfigurationError(
                f"A rule of {spec.model.__name__} follows row.{'.'.join(names)}, and {here.model.__name__}.{name} is no"
                " relation to one row.",
                fix="Follow to-one relationships only, ending in a field.",
            )
        hops.append(relation)
        here = describe(relation.target)
    field = here.fields.get(names[-1]) if names else None
    if field is None:
        raise ConfigurationError(
            f"A rule of {spec.model.__name__} looks at row.{'.'.join(names)}, not a field of {here.model.__name__}.",
            fix=f"Its fields are: {', '.join(here.fields)}.",
        )
    return Column(names, tuple(hops), field)


def _comparable(spec: ResourceSpec, column: Column, operator: str) -> None:
    kind = column.field.kind
    if kind in UNCOMPARABLE or (kind == "boolean" and operator not in ("==", "!=")):
        raise ConfigurationError(
            f"A rule of {spec.model.__name__} compares {column} with {operator}, and a {kind} field has no such order.",
            fix="Use == and != on booleans, is_null() on JSON and lists.",
        )


def _literal(spec: ResourceSpec, column: Column, value: Any) -> Any:
    try:
        return column.field.coerce(value)
    except Refused as refused:
        raise ConfigurationError(
            f"A rule of {spec.model.__name__} compares {column}, of kind {column.field.kind}, with {value!r}.",
            fix=refused.message,
        ) from refused


def _alike(spec: ResourceSpec, first: Column, second: Column) -> None:
    kinds = [(c.field.kind, c.field.constraints.places, c.field.enum) for c in (first, second)]
    if kinds[0] != kinds[1]:
        raise ConfigurationError(
            f"A rule of {spec.model.__name__} compares {first} with {second}, whose kinds differ.",
            fix="Compare fields of one kind (decimals: of the same places).",
        )


def negation_normal(rule: Rule, *, negated: bool = False) -> Rule:
    """The same rule with negations at the leaves only.

    In three-valued logic this changes no outcome: ~(a & b) is ~a | ~b, and ~(x < y) is x >= y, UNKNOWN included.
    A leaf that is UNKNOWN then counts as FALSE, since nothing above it can make it TRUE.
    """
    match rule:
        case Both(parts):
            turned = tuple(negation_normal(part, negated=negated) for part in parts)
            return Either(turned) if negated else Both(turned)
        case Either(parts):
            turned = tuple(negation_normal(part, negated=negated) for part in parts)
            return Both(turned) if negated else Either(turned)
        case Negated(part):
            return negation_normal(part, negated=not negated)
        case Compare(operator, left, right, label) if negated:
            return Compare(OPPOSITE[operator], left, right, label)
        case Constant(value) if negated:
            return Constant(None if value is None else not value)
        case Contained() | Null() | HasRole() | HasScope() | SignedIn() if negated:
            return Negated(rule)
    return rule
