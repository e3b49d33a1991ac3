"""The tenant walk: proves that a statement touches no row outside the caller's tenant, or refuses it.

Each table of the tenant plane must be held, in the SELECT or DML that names it, by `tenant_id = :mainstay_tenant`
among AND-ed conditions. What this walk cannot read (text, unknown constructs) it refuses.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, cast
from uuid import UUID

from sqlalchemy import CTE, CompoundSelect, Delete, FromClause, Insert, Join, Select, Table, Update
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.sql import operators
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.dml import UpdateBase
from sqlalchemy.sql.elements import (
    BinaryExpression,
    BindParameter,
    BooleanClauseList,
    Cast,
    ColumnClause,
    Grouping,
    Label,
    TextClause,
)
from sqlalchemy.sql.expression import Alias, Lateral, Subquery, TableClause, TableValuedAlias, Values
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.selectable import AliasedReturnsRows, ScalarSelect, SelectBase, SelectStatementGrouping

from mainstay.base.errors import TenantViolation
from mainstay.storage.sql import CONTROL_PLANE, base_table, is_tenant_bind, plane, tenant_column

_PLAIN_LITERAL = re.compile(r"[\w.*\"']*\Z")
# Of no statement: what SQLAlchemy asks of a compiler when it works out a FROM list, and nothing is compiled for it.
_NO_COMPILER = SQLCompiler(DefaultDialect(), None)


@dataclass(slots=True)
class _Froms:
    """The tables of one FROM list, and each condition with the tables it filters."""

    tables: list[FromClause] = field(default_factory=list)
    conditions: list[tuple[Any, list[FromClause]]] = field(default_factory=list)

    def add(self, conditions: Iterable[Any], tables: list[FromClause]) -> None:
        self.conditions += [(condition, tables) for condition in conditions]


class Walk:
    """One statement's walk. `control`: a control-plane table was met; `homes`: the home tenants relied on."""

    def __init__(self, *, transitive: bool = False, as_sent: Callable[[Any], Any] | None = None) -> None:
        # ORM statements: a table is also held by the equality of its tenant with that of a table that is held.
        self.transitive = transitive
        # ORM statements: what a SELECT becomes when it is compiled.
        self._as_sent = as_sent
        self._held_outside: list[set[FromClause]] = []
        self.control = False
        self.homes: set[UUID] = set()
        self._seen: set[int] = set()

    def statement(self, element: Any, enclosing: frozenset[FromClause] = frozenset()) -> None:
        """Check one statement and everything inside it. Raises TenantViolation."""
        if id(element) in self._seen:
            return
        self._seen.add(id(element))
        for cte in getattr(element, "_independent_ctes", ()):
            self.statement(cte.element)
        if isinstance(element, Select):
            self._select(element if self._as_sent is None else self._as_sent(element), enclosing)
        elif isinstance(element, CompoundSelect):
            for part in element.selects:
                self.statement(part, enclosing)
            self._expressions(element._order_by_clauses, enclosing)
        elif isinstance(element, SelectStatementGrouping):
            self.statement(element.element, enclosing)
        elif isinstance(element, Insert):
            self._insert(element)
        elif isinstance(element, Update | Delete):
            self._change(element)
        else:
            raise TenantViolation(f"A {type(element).__name__} cannot be shown to stay within the tenant.")

    def _select(self, element: "Select[Any]", enclosing: frozenset[FromClause]) -> None:
        sources = [s for s in _froms(element) if not self._correlated(element, s, enclosing)]
        if not sources and enclosing:
            raise TenantViolation("A subquery whose every table is correlated cannot be checked.")
        found = _Froms()
        for source in sources:
            self._source(source, found)
        where = list(element._where_criteria)
        found.add(where, found.tables)
        held = self._held(found)
        self._require(found.tables, held)
        self._held_outside.append(held)
        self._expressions(
            [
                *element._raw_columns,
                *(condition for condition, _ in found.conditions),
                *element._order_by_clauses,
                *element._group_by_clauses,
                *element._having_criteria,
                *(c for c in (element._limit_clause, element._offset_clause) if c is not None),
                *(element._distinct_on or ()),
            ],
            enclosing | frozenset(found.tables),
        )
        self._held_outside.pop()

    def _held(self, found: "_Froms") -> set[FromClause]:
        held: set[FromClause] = set()
        for condition, tables in found.conditions:
            held |= self._held_by([condition], tables)
        if not self.transitive:
            return held
        outside = set().union(*self._held_outside) if self._held_outside else set()
        pairs = []
        for condition, tables in found.conditions:
            for equality in _conjuncts([condition]):
                sides = equality.left, equality.right
                if all(isinstance(side, ColumnClause) and _is_tenant_column(side) for side in sides):
                    one, other = (cast(FromClause, cast(Any, side).table) for side in sides)
                    pairs += [(one, other, tables), (other, one, tables)]
        grew = True
        while grew:
            grew = False
            for one, other, tables in pairs:
                if one in tables and one not in held and (other in held or other in outside):
                    held.add(one)
                    grew = True
        return held

    @staticmethod
    def _correlated(element: "Select[Any]", source: FromClause, enclosing: frozenset[FromClause]) -> bool:
        # As SelectState._get_display_froms: explicit correlation, or the automatic one of a nested SELECT.
        if source not in enclosing:
            return False
        if element._correlate_except is not None:
            return source not in element._correlate_except
        if element._correlate:
            return source in element._correlate
        return bool(element._auto_correlate) and len(_froms(element)) > 1

    def _source(self, source: FromClause, found: "_Froms") -> None:
        if isinstance(source, Join):
            left, right = _Froms(), _Froms()
            self._source(source.left, left)
            self._source(source.right, right)
            # The ON of a LEFT JOIN filters its right side only, that of a FULL JOIN neither.
            filtered = [] if source.full else right.tables if source.isouter else [*left.tables, *right.tables]
            found.tables += left.tables + right.tables
            found.conditions += left.conditions + right.conditions
            found.add([source.onclause], filtered)
        elif base_table(source) is not None:
            found.tables.append(source)
        elif isinstance(source, CTE | Subquery | Lateral):
            outer = frozenset(found.tables) if isinstance(source, Lateral) else frozenset[FromClause]()
            inner = source.element
            # A lateral SELECT stands in a subquery of its own.
            self.statement(inner.element if isinstance(inner, Subquery) else inner, outer)
        elif isinstance(source, TableValuedAlias | FunctionElement | Values):
            self._expressions([source], frozenset(found.tables))
        elif isinstance(source, AliasedReturnsRows):
            self._source(cast(FromClause, source.element), found)
        elif isinstance(source, SelectStatementGrouping):
            self.statement(source.element)
        else:
            raise TenantViolation(f"A {type(source).__name__} in FROM cannot be shown to stay within the tenant.")

    def _require(self, tables: Iterable[FromClause], held: set[FromClause]) -> None:
        for source in tables:
            table = cast(Table, base_table(source))
            if plane(table) == CONTROL_PLANE:
                self.control = True
            elif source not in held:
                raise TenantViolation(
                    f"The statement reads or writes {table.name} without the tenant; add in_tenant({table.name})."
                )

    @staticmethod
    def _held_by(conditions: Iterable[Any], tables: list[FromClause]) -> set[FromClause]:
        held: set[FromClause] = set()
        for condition in _conjuncts(conditions):
            for side, other in ((condition.left, condition.right), (condition.right, condition.left)):
                if not is_tenant(other):
                    continue
                if isinstance(side, ColumnClause) and side.table in tables:
                    table = base_table(side.table)
                    if table is not None and side.name == tenant_column(table):
                        held.add(side.table)
                elif isinstance(side, BindParameter) and side.value is not None:
                    home = UUID(str(side.value))
                    for source in tables:
                        bound = base_table(source)
                        named = None if bound is None else bound.info.get("home_tenant")
                        if named is not None and UUID(str(named)) == home:
                            held.add(source)
        return held

    def _insert(self, element: Insert) -> None:
        table = cast(Table, element.table)
        if plane(table) == CONTROL_PLANE:
            self.control = True
        else:
            self._inserted_tenant(element, table)
        if element.select is not None:
            self.statement(element.select)
        after = getattr(element, "_post_values_clause", None)
        if after is not None:
            self._on_conflict(after, table)
        rows = [*(element._values or {}).values()]
        for many in element._multi_values:
            for row in many:
                rows += row.values() if isinstance(row, dict) else row
        self._expressions([*rows, *element._returning], frozenset([table]))

    def _inserted_tenant(self, element: Insert, table: Table) -> None:
        name = tenant_column(table)
        if name is None:
            self.homes.add(UUID(str(table.info["home_tenant"])))
            return
        given: list[Any]
        if element.select is not None:
            names = [getattr(c, "name", c) for c in element._select_names or ()]
            columns = list(element.select.selected_columns)
            given = [columns[names.index(name)]] if name in names else [None]
        elif element._multi_values:
            given = [
                row.get(table.c[name], row.get(name))
                if isinstance(row, dict)
                else row[list(table.c).index(table.c[name])]
                for many in element._multi_values
                for row in many
            ]
        else:
            values = {getattr(key, "name", key): value for key, value in (element._values or {}).items()}
            given = [values.get(name)]
        if not all(is_tenant(value) for value in given):
            raise TenantViolation(f"Rows inserted into {table.name} must take {name} from TENANT.")

    def _on_conflict(self, clause: Any, table: Table) -> None:
        values = getattr(clause, "update_values_to_set", None)
        if values is None or plane(table) == CONTROL_PLANE:
            return
        name = tenant_column(table)
        targets = [getattr(target, "name", target) for target in clause.inferred_target_elements or ()]
        # A key without the tenant could meet another tenant's row.
        if name is not None and name not in targets:
            raise TenantViolation(f"ON CONFLICT on {table.name} must name {name} in its key.")
        pairs = values.items() if isinstance(values, dict) else values
        for key, value in pairs:
            if getattr(key, "name", key) == name:
                raise TenantViolation(f"No statement changes {table.name}.{name}.")
            self._expressions([value], frozenset([table]))

    def _change(self, element: "Update | Delete") -> None:
        table = cast(Table, element.table)
        where = list(element._where_criteria)
        values: dict[Any, Any] = {}
        if isinstance(element, Update):
            values = dict(element._values or {})
            name = tenant_column(table)
            if any(getattr(key, "name", key) == name for key in values) and plane(table) != CONTROL_PLANE:
                raise TenantViolation(f"No statement changes {table.name}.{name}.")
        found = _Froms([table])
        for expression in [*where, *values.values()]:
            for source in getattr(expression, "_from_objects", ()):
                if source is not table and source not in found.tables:
                    self._source(source, found)
        found.add(where, found.tables)
        held = self._held(found)
        self._require(found.tables, held)
        self._held_outside.append(held)
        self._expressions([*where, *values.values(), *element._returning], frozenset(found.tables))
        self._held_outside.pop()

    def _expressions(self, elements: Iterable[Any], enclosing: frozenset[FromClause]) -> None:
        for element in elements:
            for inner in _nested(element):
                if isinstance(inner, SelectBase | UpdateBase):
                    self.statement(inner, enclosing)
                elif isinstance(inner, TextClause):
                    raise TenantViolation("Text inside a statement cannot be shown to stay within the tenant.")
                elif isinstance(inner, ColumnClause) and inner.is_literal and not _PLAIN_LITERAL.match(inner.name):
                    raise TenantViolation("A literal column may only be a name or a number.")


def _froms(element: "Select[Any]") -> Sequence[FromClause]:
    """The FROM list of a SELECT. `get_final_froms()` compiles the whole statement first, which only the ORM needs."""
    if element._propagate_attrs.get("compile_state_plugin", "default") != "default":
        return element.get_final_froms()
    state: Any = element._compile_state_factory(element, _NO_COMPILER)
    return cast("Sequence[FromClause]", state._get_display_froms())


def _is_tenant_column(column: Any) -> bool:
    table = None if column.table is None else base_table(column.table)
    return table is not None and "plane" in table.info and column.name == tenant_column(table)


def is_tenant(element: Any) -> bool:
    """Whether this expression is the scope's tenant and nothing else."""
    while isinstance(element, Label | Grouping | Cast):
        element = element.clause if isinstance(element, Cast) else element.element
    return is_tenant_bind(element)


def _conjuncts(conditions: Iterable[Any]) -> Iterator["BinaryExpression[Any]"]:
    for condition in conditions:
        while isinstance(condition, Grouping):
            condition = condition.element
        if isinstance(condition, BooleanClauseList) and condition.operator is operators.and_:
            yield from _conjuncts(condition.clauses)
        elif isinstance(condition, BinaryExpression) and condition.operator is operators.eq:
            yield condition


def _nested(element: Any) -> Iterator[Any]:
    """The subqueries, texts and columns inside an expression, without entering the subqueries."""
    stack = [element]
    while stack:
        current = stack.pop()
        if isinstance(current, ScalarSelect | SelectStatementGrouping):
            stack.append(current.element)
        elif isinstance(current, SelectBase | UpdateBase | TextClause):
            yield current
        elif isinstance(current, Table | Alias | CTE | Subquery | Lateral | Join):
            continue  # reached through a column; the FROM list accounts for it
        elif isinstance(current, ColumnClause):
            yield current
        elif isinstance(current, TableClause):
            raise TenantViolation("A bare table() has no plane.")
        elif hasattr(current, "get_children"):
            stack.extend(current.get_children())
