"""`fold`: what a rule comes down to for one caller: TRUE, FALSE, or a rest that depends on the row."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mainstay.access.policy.judge import compared
from mainstay.access.policy.prepare import PreparedRule
from mainstay.access.policy.resolve import Column, Value
from mainstay.access.rules import (
    ActorValue,
    Both,
    Compare,
    Constant,
    Contained,
    Either,
    HasRole,
    HasScope,
    Negated,
    Null,
    Rule,
    SignedIn,
)
from mainstay.base.actor import Actor

_LARGEST_CACHE = 1024


@dataclass(frozen=True, slots=True)
class Bound:
    """The place of a value in the rest of a rule: number `index` of its values."""

    index: int


@dataclass(frozen=True, slots=True, eq=False)
class Folded:
    """A rule for one caller. `verdict` is True or False, or None where `rest` must be asked of each row.

    `shape` says everything about the rest but its values: two rests of one shape compile to one SQL text.
    """

    prepared: PreparedRule
    verdict: bool | None
    rest: Rule
    shape: str
    values: tuple[Any, ...]

    def binds(self, prefix: str = "rule") -> dict[str, Any]:
        """The values by the names that `compile_rule(..., prefix)` gave them."""
        return {f"{prefix}_{index}": value for index, value in enumerate(self.values)}


@dataclass(frozen=True, slots=True, eq=False)
class _Template:
    """A fold that many callers share: their own id is a hole in `sources`."""

    verdict: bool | None
    rest: Rule
    shape: str
    sources: tuple[Any, ...]
    personal: bool


def fold(prepared: PreparedRule, actor: Actor) -> Folded:
    """The rule with everything about the caller decided. UNKNOWN at the top is FALSE: it does not admit."""
    key = (
        actor.roles if "roles" in prepared.sets else actor.roles & prepared.roles,
        actor.scopes if "scopes" in prepared.sets else actor.scopes & prepared.scopes,
        actor.user_id is None,
    )
    template = prepared.folds.get(key)
    if template is None:
        if len(prepared.folds) >= _LARGEST_CACHE:
            prepared.folds.clear()
        template = prepared.folds[key] = _template(prepared, actor)
    values = template.sources
    if template.personal:
        values = tuple(actor.user_id if type(source) is ActorValue else source for source in values)
    return Folded(prepared, template.verdict, template.rest, template.shape, values)


def _template(prepared: PreparedRule, actor: Actor) -> _Template:
    sources: list[Any] = []

    def bound(source: Any) -> Bound:
        sources.append(source)
        return Bound(len(sources) - 1)

    decided = _decide(prepared.normal, actor)
    if isinstance(decided, Constant):
        return _Template(decided.value is True, decided, str(decided.value is True), (), False)
    rest = _bind(decided, bound)
    personal = any(type(source) is ActorValue for source in sources)
    return _Template(None, rest, f"{prepared.spec.name}:{_shape(rest)}", tuple(sources), personal)


def _decide(rule: Rule, actor: Actor) -> Rule:
    """The rule without its questions about the caller. Negations stand at leaves only."""
    match rule:
        case Both(parts) | Either(parts):
            absorbing = isinstance(rule, Either)
            left: list[Rule] = []
            for part in parts:
                decided = _decide(part, actor)
                if not isinstance(decided, Constant):
                    left.append(decided)
                elif (decided.value is True) is absorbing:
                    return Constant(absorbing)
            if not left:
                return Constant(not absorbing)
            if len(left) == 1:
                return left[0]
            return Either(tuple(left)) if absorbing else Both(tuple(left))
        case Negated(HasRole() | HasScope() | SignedIn() as part):
            return Constant(not _caller_is(part, actor))
        case HasRole() | HasScope() | SignedIn():
            return Constant(_caller_is(rule, actor))
        case Compare(operator, left_hand, right_hand):
            if not isinstance(left_hand, Column):
                return Constant(compared(operator, _known(left_hand, actor), _known(right_hand, actor)))
            if isinstance(right_hand, ActorValue) and actor.user_id is None:
                return Constant(None)
        case Contained(column, values):
            known = _listed(values, actor)
            # Nothing is in an empty list, not even a missing value: that much is known without the row.
            return Contained(column, Value(known)) if known else Constant(False)
        case Negated(Contained(column, values)):
            known = _listed(values, actor)
            return Negated(Contained(column, Value(known))) if known else Constant(True)
        case Null(operand) if not isinstance(operand, Column):
            return Constant(_known(operand, actor) is None)
        case Negated(Null(operand)) if not isinstance(operand, Column):
            return Constant(_known(operand, actor) is not None)
    return rule


def _caller_is(rule: Rule, actor: Actor) -> bool:
    match rule:
        case HasRole(names):
            return not names.isdisjoint(actor.roles)
        case HasScope(names):
            return names <= actor.scopes
    return actor.signed_in


def _known(operand: Any, actor: Actor) -> Any:
    return actor.user_id if isinstance(operand, ActorValue) else operand.value


def _listed(values: Any, actor: Actor) -> tuple[Any, ...]:
    return tuple(sorted(getattr(actor, values.name))) if isinstance(values, ActorValue) else values.value


def _bind(rule: Rule, bound: Callable[[Any], Bound]) -> Rule:
    match rule:
        case Both(parts):
            return Both(tuple(_bind(part, bound) for part in parts))
        case Either(parts):
            return Either(tuple(_bind(part, bound) for part in parts))
        case Negated(part):
            return Negated(_bind(part, bound))
        case Compare(operator, left, Value(value)):
            return Compare(operator, left, bound(value))
        case Compare(operator, left, ActorValue() as own):
            return Compare(operator, left, bound(own))
        case Contained(left, Value(values)):
            return Contained(left, bound(values))
    return rule


def _shape(rule: Rule) -> str:
    match rule:
        case Both(parts):
            return f"({' & '.join(map(_shape, parts))})"
        case Either(parts):
            return f"({' | '.join(map(_shape, parts))})"
        case Negated(part):
            return f"~{_shape(part)}"
        case Compare(operator, left, right):
            return f"{_place(left)}{operator}{_place(right)}"
        case Contained(left, values):
            return f"{_place(left)} in {_place(values)}"
        case Null(operand):
            return f"{_place(operand)} null"
    raise TypeError(f"A folded rule holds no {type(rule).__name__}.")


def _place(operand: Any) -> str:
    return f"?{operand.index}" if isinstance(operand, Bound) else str(operand)
