"""The words rules are made of: one small tree, three-valued, read by the SQL compiler and the evaluator alike.

Only TRUE admits. A comparison with a missing value is neither true nor false, and neither is its negation.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from mainstay.base.errors import ConfigurationError

Operator = Literal["==", "!=", "<", "<=", ">", ">="]
OPPOSITE: dict[Operator, Operator] = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}


class Rule:
    """A condition on the row and the caller. Combine with `&`, `|` and `~`."""

    __slots__ = ()

    def __and__(self, other: "Rule | Operand") -> "Rule":
        return Both((self, as_rule(other)))

    def __rand__(self, other: "Operand") -> "Rule":
        return Both((as_rule(other), self))

    def __or__(self, other: "Rule | Operand") -> "Rule":
        return Either((self, as_rule(other)))

    def __ror__(self, other: "Operand") -> "Rule":
        return Either((as_rule(other), self))

    def __invert__(self) -> "Rule":
        return Negated(self)

    def __bool__(self) -> bool:
        raise ConfigurationError(
            "A rule was used with and, or, not or if, which Python decides at once.",
            fix="Use &, | and ~ instead, with parentheses around comparisons.",
        )


class Operand:
    """A value of the row or of the caller that rules compare."""

    __slots__ = ()
    __hash__ = object.__hash__

    def __eq__(self, other: object) -> "Rule":  # type: ignore[override]  # a rule, not a bool
        return _compare("==", self, other)

    def __ne__(self, other: object) -> "Rule":  # type: ignore[override]  # a rule, not a bool
        return _compare("!=", self, other)

    def __lt__(self, other: object) -> "Rule":
        return _compare("<", self, other)

    def __le__(self, other: object) -> "Rule":
        return _compare("<=", self, other)

    def __gt__(self, other: object) -> "Rule":
        return _compare(">", self, other)

    def __ge__(self, other: object) -> "Rule":
        return _compare(">=", self, other)

    def __and__(self, other: "Rule | Operand") -> "Rule":
        return as_rule(self) & other

    def __or__(self, other: "Rule | Operand") -> "Rule":
        return as_rule(self) | other

    def __invert__(self) -> "Rule":
        return ~as_rule(self)

    def __bool__(self) -> bool:
        return Rule.__bool__(self)  # type: ignore[arg-type]  # it only raises

    def in_(self, values: "Iterable[Any] | ActorValue") -> "Rule":
        """The value is one of these."""
        if isinstance(values, ActorValue):
            return Contained(self, values)
        if isinstance(values, str | Operand):
            raise ConfigurationError("in_() was given one value.", fix="Give it a list of values.")
        found = tuple(values)
        if any(value is None or isinstance(value, Operand) for value in found):
            raise ConfigurationError(
                "in_() was given None or a field among its values.", fix="Use is_null(), or compare with ==."
            )
        return Contained(self, found)

    def not_in(self, values: "Iterable[Any] | ActorValue") -> "Rule":
        """The value is none of these."""
        return ~self.in_(values)

    def is_null(self) -> "Rule":
        """There is no value: the field is null, or a row on the way to it is missing."""
        return Null(self)

    def is_not_null(self) -> "Rule":
        """There is a value."""
        return ~Null(self)


class RowPath(Operand):
    """A field of the row, or of a row it refers to: `row.price`, `row.author.country`.

    `row["in_"]` names a field that is spelled like a method of this class.
    """

    __slots__ = ("_names",)

    def __init__(self, names: tuple[str, ...] = ()) -> None:
        self._names = names

    def __getattr__(self, name: str) -> "RowPath":
        if name.startswith("__"):
            raise AttributeError(name)
        return RowPath((*self._names, name))

    def __getitem__(self, name: str) -> "RowPath":
        return RowPath((*self._names, name))

    def __repr__(self) -> str:
        return ".".join(("row", *self._names))


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ActorValue(Operand):
    """Something known of the caller: `id` (missing when nobody is signed in), `roles`, `scopes`."""

    name: Literal["id", "roles", "scopes"]

    def __repr__(self) -> str:
        return f"actor.{self.name}"


@dataclass(frozen=True, slots=True, eq=False)
class Constant(Rule):
    """TRUE, FALSE, or None for UNKNOWN."""

    value: bool | None


@dataclass(frozen=True, slots=True, eq=False)
class Both(Rule):
    """Every part holds."""

    parts: tuple[Rule, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Either(Rule):
    """At least one part holds."""

    parts: tuple[Rule, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Negated(Rule):
    """The part is false; UNKNOWN stays UNKNOWN."""

    part: Rule


@dataclass(frozen=True, slots=True, eq=False)
class Compare(Rule):
    """Two values in one of six orders. `right` may be a plain value."""

    operator: Operator
    left: Any
    right: Any
    label: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Contained(Rule):
    """The value is among some."""

    left: Any
    values: Any


@dataclass(frozen=True, slots=True, eq=False)
class Null(Rule):
    """There is no value."""

    operand: Any


@dataclass(frozen=True, slots=True, eq=False)
class HasRole(Rule):
    """The caller holds one of the roles in this tenant."""

    names: frozenset[str]


@dataclass(frozen=True, slots=True, eq=False)
class HasScope(Rule):
    """The caller's session carries every one of the scopes."""

    names: frozenset[str]


@dataclass(frozen=True, slots=True, eq=False)
class SignedIn(Rule):
    """Somebody is signed in."""


@dataclass(frozen=True, slots=True, eq=False)
class IsOwner(Rule):
    """The caller is the user in the row's `owned()` field."""


def as_rule(value: "Rule | Operand") -> Rule:
    """The rule itself, or `field == True` for a field that stands alone."""
    if isinstance(value, Rule):
        return value
    if isinstance(value, Operand):
        return Compare("==", value, True)
    raise ConfigurationError(
        f"A rule was combined with {type(value).__name__}.",
        fix="Use rules made of row, actor, owner, role() and the like.",
    )


def _compare(operator: Operator, left: Operand, right: object) -> Rule:
    if right is None:
        raise ConfigurationError(
            f"{left!r} {operator} None is never true: a missing value compares with nothing.",
            fix="Use is_null() or is_not_null().",
        )
    return Compare(operator, left, right)
