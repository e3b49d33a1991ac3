"""A rule made into a function of the caller and a row, with the outcome SQL would have."""

import operator
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any

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

Row = Mapping[str, Any]
Related = Mapping[tuple[str, ...], Any]
Judge = Callable[[Actor, Row, Related], bool | None]
_Operand = Callable[[Actor, Row, Related], Any]
_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def judging(rule: Rule) -> Judge:
    """The function that judges one part of a resolved rule: True, False, or None for UNKNOWN.

    Made once: to look at the rule's parts again for each row takes five times as long.
    """
    match rule:
        case Both(parts):
            return _all([judging(part) for part in parts])
        case Either(parts):
            return _any([judging(part) for part in parts])
        case Negated(part):
            return _not(judging(part))
        case Constant(value):
            return lambda actor, row, related: value
        case HasRole(names):
            return lambda actor, row, related: not names.isdisjoint(actor.roles)
        case HasScope(names):
            return lambda actor, row, related: names <= actor.scopes
        case SignedIn():
            return lambda actor, row, related: actor.signed_in
        case Compare(sign, left, right):
            return _comparing(sign, _operand(left), _operand(right))
        case Contained(left, values):
            return _containing(_operand(left), _operand(values))
        case Null(operand):
            value_of = _operand(operand)
            return lambda actor, row, related: value_of(actor, row, related) is None
    raise TypeError(f"No rule: {type(rule).__name__}.")


def compared(sign: Operator, left: Any, right: Any) -> bool | None:
    """The comparison's outcome; UNKNOWN where a side is missing."""
    if left is None or right is None:
        return None
    return _COMPARISONS[sign](_plain(left), _plain(right))


def _all(judges: list[Judge]) -> Judge:
    def both(actor: Actor, row: Row, related: Related) -> bool | None:
        outcome: bool | None = True
        for judge in judges:
            found = judge(actor, row, related)
            if found is False:
                return False
            if found is None:
                outcome = None
        return outcome

    return both


def _any(judges: list[Judge]) -> Judge:
    def either(actor: Actor, row: Row, related: Related) -> bool | None:
        outcome: bool | None = False
        for judge in judges:
            found = judge(actor, row, related)
            if found:
                return True
            if found is None:
                outcome = None
        return outcome

    return either


def _not(judge: Judge) -> Judge:
    def negated(actor: Actor, row: Row, related: Related) -> bool | None:
        outcome = judge(actor, row, related)
        return None if outcome is None else not outcome

    return negated


def _comparing(sign: Operator, left_of: _Operand, right_of: _Operand) -> Judge:
    compare = _COMPARISONS[sign]

    def comparing(actor: Actor, row: Row, related: Related) -> bool | None:
        left, right = left_of(actor, row, related), right_of(actor, row, related)
        return None if left is None or right is None else compare(_plain(left), _plain(right))

    return comparing


def _containing(left_of: _Operand, values_of: _Operand) -> Judge:
    def contained(actor: Actor, row: Row, related: Related) -> bool | None:
        values = values_of(actor, row, related)
        if not values:
            # As in SQL: nothing is in an empty list, not even a missing value.
            return False
        left = left_of(actor, row, related)
        return None if left is None else _plain(left) in {_plain(value) for value in values}

    return contained


def _operand(operand: Any) -> _Operand:
    match operand:
        case Value(value):
            return lambda actor, row, related: value
        case ActorValue("id"):
            return lambda actor, row, related: actor.user_id
        case ActorValue(name):
            return lambda actor, row, related: getattr(actor, name)
        case Column(names, hops):
            if hops:
                return lambda actor, row, related: related[names]
            first = names[0]
            return lambda actor, row, related: row[first]
    raise TypeError(f"No operand: {type(operand).__name__}.")


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, Enum) else value
