"""`prepare`: a resource's rules checked once at start-up, ready to be folded for each caller."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from mainstay.access.access import OPERATIONS, Access
from mainstay.access.policy.judge import Judge, judging
from mainstay.access.policy.resolve import Column, negation_normal, resolve
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
)
from mainstay.base.actor import ADMIN, Actor
from mainstay.base.errors import ConfigurationError
from mainstay.base.proof import Proof
from mainstay.model.spec import ResourceSpec


@dataclass(frozen=True, eq=False)
class PreparedRule:
    """One rule of one resource: as written (`rule`) and with negations at the leaves (`normal`)."""

    spec: ResourceSpec
    rule: Rule
    normal: Rule
    judge: Judge
    """The rule as a function of the caller and a row."""
    roles: frozenset[str]
    """Roles the rule asks about."""
    scopes: frozenset[str]
    sets: frozenset[str]
    """"roles" or "scopes", where the rule compares a field with the whole set."""
    fields: frozenset[str]
    """Fields of the row itself that the rule looks at."""
    paths: frozenset[tuple[str, ...]]
    """Fields of related rows that the rule looks at, as names from the row."""
    # Folded once per kind of caller; the caller's own id is filled in afterwards.
    folds: dict[Any, Any] = field(default_factory=dict, repr=False)

    def lacking(self, actor: Actor) -> tuple[frozenset[str], frozenset[str]]:
        """The roles of which the actor would need one, and the scopes that they would need, where the rule is
        `role(...)` or `scope(...)` and nothing else, administrators aside. Else none: to name what it wants might tell
        about rows.
        """
        parts = self.rule.parts if isinstance(self.rule, Either) else (self.rule,)
        match [part for part in parts if not (isinstance(part, HasRole) and part.names == {ADMIN})]:
            case [HasRole(names)]:
                return names - actor.roles, frozenset()
            case [HasScope(names)]:
                return frozenset(), names - actor.scopes
            case _:
                return frozenset(), frozenset()


@dataclass(frozen=True, eq=False)
class PreparedAccess:
    """The rules of one resource. `field_read` and `field_write` hold those of masked fields only, `proofs` what has to
    have been proved lately by operation: those that ask for nothing are not in it."""

    spec: ResourceSpec
    read: PreparedRule
    create: PreparedRule
    update: PreparedRule
    delete: PreparedRule
    field_read: dict[str, PreparedRule]
    field_write: dict[str, PreparedRule]
    proofs: dict[str, Proof]

    def rule(self, operation: str) -> PreparedRule:
        """The rule for read, create, update or delete."""
        found: PreparedRule = getattr(self, operation)
        return found


def prepare(access: Access | None, spec: ResourceSpec) -> PreparedAccess:
    """The rules, resolved against the resource. Raises ConfigurationError for what does not fit it.

    Without an Access, and where it has no rule, only administrators are admitted.
    """
    access = access if access is not None else Access()
    rules = {operation: _for(access, access.rule(operation), spec) for operation in OPERATIONS}
    masks: dict[str, dict[str, PreparedRule]] = {"read": {}, "write": {}}
    shown = {*spec.fields, *spec.computed, *spec.counts}
    for name, mask in access.fields.items():
        if name not in shown:
            raise ConfigurationError(
                f"The access of {spec.model.__name__} masks {name!r}, which is no field of it.",
                fix=f"Its fields are: {', '.join(spec.fields)}.",
            )
        for side, given in (("read", mask.read), ("write", mask.write)):
            if given is not None:
                masks[side][name] = _for(access, Access(read=given).rule("read"), spec)
    return PreparedAccess(
        spec=spec, field_read=masks["read"], field_write=masks["write"], proofs=access.proofs(), **rules
    )


def prepare_rule(rule: Rule, spec: ResourceSpec) -> PreparedRule:
    """One rule on its own, without the administrators' pass."""
    resolved = resolve(rule, spec)
    columns = [operand for operand in _operands(resolved) if isinstance(operand, Column)]
    leaves = list(_leaves(resolved))
    return PreparedRule(
        spec=spec,
        rule=resolved,
        normal=negation_normal(resolved),
        judge=judging(resolved),
        roles=frozenset().union(*(leaf.names for leaf in leaves if isinstance(leaf, HasRole))),
        scopes=frozenset().union(*(leaf.names for leaf in leaves if isinstance(leaf, HasScope))),
        sets=frozenset(o.name for o in _operands(resolved) if isinstance(o, ActorValue) and o.name != "id"),
        fields=frozenset(c.names[0] for c in columns if not c.hops),
        paths=frozenset(c.names for c in columns if c.hops),
    )


def _for(access: Access, rule: Rule | None, spec: ResourceSpec) -> PreparedRule:
    rule = rule if rule is not None else Constant(False)
    if access.admins:
        rule = Either((HasRole(frozenset((ADMIN,))), rule))
    return prepare_rule(rule, spec)


def _leaves(rule: Rule) -> Iterator[Rule]:
    match rule:
        case Both(parts) | Either(parts):
            for part in parts:
                yield from _leaves(part)
        case Negated(part):
            yield from _leaves(part)
        case _:
            yield rule


def _operands(rule: Rule) -> Iterator[Any]:
    for leaf in _leaves(rule):
        match leaf:
            case Compare(_, left, right):
                yield from (left, right)
            case Contained(left, values):
                yield from (left, values)
            case Null(operand):
                yield operand
