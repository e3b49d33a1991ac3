"""`evaluate`: a rule judged on one row in Python, with the outcome SQL would have."""

import operator
from collections.abc import Mapping
from enum import Enum
from typing import Any

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
    Operator,
    Rule,
    SignedIn,
)
from mainstay.base.actor import Actor

Related = Mapping[tuple[str, ...], Any]
_COMPARISONS = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def evaluate(
    prepared: PreparedRule, actor: Actor, row: Mapping[str, Any], related: Related | None = None
) -> bool | None:
    """True, False, or None for UNKNOWN. Only True admits.

    `row` holds canonical values of `prepared.fields`; `related` those of `prepared.paths`, keyed by the path, None
    where a row on the way is missing. Raises LookupError when one of them is not there.
    """
    return judge(prepared.rule, actor, row, related or {})


def judge(rule: Rule, actor: Actor, row: Mapping[str, Any], related: Related) -> bool | None:
    """The outcome of one part of a resolved rule."""
    match rule:
        case Both(parts):
            outcomes = [judge(part, actor, row, related) for part in parts]
            return False if False in outcomes else None if None in outcomes else True
        case Either(parts):
            outcomes = [judge(part, actor, row, related) for part in parts]
            return True if True in outcomes else None if None in outcomes else False
        case Negated(part):
            outcome = judge(part, actor, row, related)
            return None if outcome is None else not outcome
        case Constant(value):
            return value
        case HasRole(names):
            return not names.isdisjoint(actor.roles)
        case HasScope(names):
            return names <= actor.scopes
        case SignedIn():
            return actor.signed_in
        case Compare(sign, left, right):
            return compared(sign, _value(left, actor, row, related), _value(right, actor, row, related))
        case Contained(left, values):
            return _contained(_value(left, actor, row, related), _value(values, actor, row, related))
        case Null(operand):
            return _value(operand, actor, row, related) is None
    raise TypeError(f"No rule: {type(rule).__name__}.")


def compared(sign: Operator, left: Any, right: Any) -> bool | None:
    """The comparison's outcome; UNKNOWN where a side is missing."""
    if left is None or right is None:
        return None
    outcome: bool = _COMPARISONS[sign](_plain(left), _plain(right))
    return outcome


def _contained(left: Any, values: Any) -> bool | None:
    if not values:
        # As in SQL: nothing is in an empty list, not even a missing value.
        return False
    return None if left is None else _plain(left) in {_plain(value) for value in values}


def _value(operand: Any, actor: Actor, row: Mapping[str, Any], related: Related) -> Any:
    match operand:
        case Value(value):
            return value
        case ActorValue(name):
            return actor.user_id if name == "id" else getattr(actor, name)
        case Column(names, hops):
            return related[names] if hops else row[names[0]]
    raise TypeError(f"No operand: {type(operand).__name__}.")


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, Enum) else value
