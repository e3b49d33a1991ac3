"""`compile_rule`: the rest of a folded rule as an SQL condition that holds exactly where the rule is TRUE."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    and_,
    bindparam,
    exists,
    false,
    literal_column,
    not_,
    or_,
    select,
    true,
)

from mainstay.access.policy.fold import Bound, Folded
from mainstay.access.policy.resolve import Column
from mainstay.access.rules import Both, Compare, Contained, Either, Negated, Null, Operator, Rule
from mainstay.model.spec import describe
from mainstay.storage.sql import any_of, in_tenant

Condition = ColumnElement[bool]


def compile_rule(folded: Folded, table: FromClause, prefix: str = "rule") -> Condition:
    """The condition on `table` (or an alias of it). Bind `folded.binds(prefix)`.

    Related rows are looked up by EXISTS within the tenant. Where folded has a verdict the condition is constant.
    """
    if folded.verdict is not None:
        return true() if folded.verdict else false()
    return _condition(folded.rest, table, prefix)


def _condition(rule: Rule, table: FromClause, prefix: str) -> Condition:
    match rule:
        case Both(parts):
            return and_(*(_condition(part, table, prefix) for part in parts))
        case Either(parts):
            return or_(*(_condition(part, table, prefix) for part in parts))
        case Compare(sign, Column() as left, Column() as right):
            return _reach(
                left, table, (), lambda a, seen: _reach(right, table, seen, lambda b, _: _ordered(sign, a, b))
            )
        case Compare(sign, Column() as left, Bound(index)):
            value = bindparam(f"{prefix}_{index}", type_=left.field.storage_type)
            return _reach(left, table, (), lambda column, _: _ordered(sign, column, value))
        case Contained(left, Bound(index)):
            return _reach(left, table, (), lambda column, _: any_of(column, f"{prefix}_{index}"))
        case Negated(Contained(left, Bound(index))):
            return _reach(left, table, (), lambda column, _: not_(any_of(column, f"{prefix}_{index}")))
        case Null(Column() as operand):
            return not_(_present(operand, table)) if operand.hops else _column(operand, table).is_(None)
        case Negated(Null(Column() as operand)):
            return _present(operand, table)
    raise TypeError(f"A folded rule holds no {type(rule).__name__}.")


def _present(operand: Column, table: FromClause) -> Condition:
    return _reach(operand, table, (), lambda column, _: column.is_not(None))


def _reach(
    column: Column,
    table: FromClause,
    seen: tuple[FromClause, ...],
    build: Callable[[ColumnElement[Any], tuple[FromClause, ...]], Condition],
) -> Condition:
    """`build` over the column, inside an EXISTS that joins the related rows where there are any on the way."""
    if not column.hops:
        return build(_column(column, table), seen)
    here: FromClause = table
    joined: list[FromClause] = []
    conditions: list[Condition] = []
    for hop in column.hops:
        there = describe(hop.target).table.alias()
        conditions += [in_tenant(there), there.c[hop.remote.key] == here.c[hop.local.key]]
        joined.append(there)
        here = there
    inner = build(_column(column, here), (*seen, *joined))
    found: Select[Any] = select(literal_column("1")).select_from(*joined).where(*conditions, inner)
    return exists(found.correlate(table, *seen))


def _column(column: Column, table: FromClause) -> ColumnElement[Any]:
    return table.c[column.field.column.key]


def _ordered(sign: Operator, left: ColumnElement[Any], right: ColumnElement[Any]) -> Condition:
    match sign:
        case "==":
            return left == right
        case "!=":
            return left != right
        case "<":
            return left < right
        case "<=":
            return left <= right
        case ">":
            return left > right
    return left >= right
