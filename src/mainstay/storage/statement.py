"""Statements compiled once: their text, the order of their binds, and the converters between values and drivers."""

import contextlib
import json
import re
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC
from operator import itemgetter
from typing import Any, NoReturn, TypeVar, cast
from uuid import UUID

from sqlalchemy import (
    JSON,
    CompoundSelect,
    DateTime,
    Delete,
    Dialect,
    Float,
    Insert,
    Select,
    Text,
    Update,
    func,
    literal_column,
    select,
)
from sqlalchemy import cast as sql_cast
from sqlalchemy.sql.selectable import ScalarSelect
from sqlalchemy.types import TypeEngine, Uuid

from mainstay.base.errors import TenantViolation
from mainstay.base.tenant import Scope, TenantScope
from mainstay.storage.scope import Walk
from mainstay.storage.search import search_expression
from mainstay.storage.sql import TENANT, TENANT_NAME, SearchWords, UpTo, ValueList
from mainstay.storage.types import POSTGRES, Converter, StoredType

_LAST_LIMIT = re.compile(r"\s+LIMIT (\$\d+::INTEGER)\s*\Z")

T = TypeVar("T")
Values = Mapping[str, Any]
Rows = list[tuple[Any, ...]]


class Raw(dict[str, Any]):
    """Values that already are what the driver binds: no converter is run over them."""


@dataclass(frozen=True, slots=True, eq=False)
class Statement:
    """One planned statement. Only `compile_statement` and `fuse` make one, so holding it proves the tenant walk.

    `order` names the binds by position; `constants` are binds whose value the plan itself gave, in driver form;
    `readers` turn a column's driver value into Python's, None where it is the same.
    """

    sql: str
    order: tuple[str, ...]
    constants: Mapping[str, Any] = field(default_factory=dict)
    converters: tuple[tuple[str, Converter], ...] = ()
    columns: tuple[str, ...] = ()
    readers: tuple[Converter | None, ...] = ()
    slow: bool = False
    system: bool = False
    writes: bool = False
    # PostgreSQL: the text sets the scope itself, so that it needs no transaction around it.
    gated: bool = True
    homes: frozenset[UUID] = frozenset()
    # SQLite: the statements of a fuse(), run one after the other.
    parts: "tuple[Statement, ...]" = ()
    # Run only if the part before it changed a row, whose rows are the answer; `takes` names binds filled from that
    # row's columns (see outbox.recorded).
    follows: bool = False
    takes: tuple[tuple[str, int], ...] = ()
    _pick: Any = None

    def replace(self, **changes: Any) -> "Statement":
        """A copy with these fields changed."""
        return replace(self, **changes)

    def bind(self, scope: Scope, values: Values) -> Any:
        """The positional arguments for the driver. The tenant comes from the scope alone.

        Raises TenantViolation if the statement is not for this scope, ValueError for a value its type cannot hold.
        """
        if self.converters and type(values) is not Raw:
            values = self._converted(values)
        if type(scope) is TenantScope:
            if self.system:
                raise TenantViolation("A statement of the control plane or across tenants needs a SystemScope.")
            if self.homes and self.homes != {scope.tenant_id}:
                raise TenantViolation("A table that belongs to one tenant was written in another's name.")
            return self._pick({**self.constants, **values, TENANT_NAME: scope.key})
        if TENANT_NAME in values:
            # The system's work in one tenant: a transaction that touches both planes.
            values = {**values, TENANT_NAME: str(values[TENANT_NAME])}
        return self._pick({**self.constants, **values})

    def bound(self, scope: TenantScope, values: Values) -> "Bound":
        """The statement bound for this scope, to be run again and again (`Database.again_now`). Raises as bind()."""
        if self.converters and type(values) is not Raw:
            values = self._converted(values)
        arguments = self.bind(scope, Raw(values))
        return Bound(scope, self, {**self.constants, **values, TENANT_NAME: scope.key}, arguments)

    def _converted(self, values: Values) -> dict[str, Any]:
        converted = dict(values)
        for name, convert in self.converters:
            if name in converted:
                converted[name] = convert(converted[name])
        return converted

    def read(self, rows: Rows) -> Rows:
        """The rows with Python values in place of the driver's."""
        return [
            tuple(value if read is None else read(value) for read, value in zip(self.readers, row, strict=True))
            for row in rows
        ]


@dataclass(frozen=True, slots=True, eq=False)
class Bound:
    """A statement with all its values. Only `Statement.bound` makes one, so holding it proves the scope."""

    scope: TenantScope
    statement: Statement
    values: Mapping[str, Any]
    arguments: Any

    def but(self, changes: Mapping[str, Any]) -> Any:
        """The arguments with other values (the driver's own) under some names. The tenant's is not among them."""
        if TENANT_NAME in changes:
            raise TenantViolation("The tenant of a bound statement does not change.")
        return self.statement._pick({**self.values, **changes})


Script = Generator[tuple[Statement, Values], Rows, T]


def refuse(script: "Script[Any]", error: Exception) -> NoReturn:
    """Throw the error into the script, so that it may say what it means; it may not carry on."""
    with contextlib.suppress(StopIteration):
        script.throw(error)
    raise RuntimeError("A script went on after its statement was refused.") from error


def picker(order: tuple[str, ...]) -> Any:
    """A function from named values to the tuple that the driver takes."""
    if not order:
        return lambda merged: ()
    if len(order) == 1:
        (name,) = order
        return lambda merged: (merged[name],)
    return itemgetter(*order)


def compile_statement(
    element: "Select[Any] | CompoundSelect[Any] | Insert | Update | Delete",
    dialect: Dialect,
    *,
    slow: bool = False,
    system: bool = False,
) -> Statement:
    """Compile a Core statement for this database, once.

    Raises TenantViolation unless every tenant-plane table in it is held to the tenant. `system=True` asks for a
    statement across tenants; it, and any statement on the control plane, runs only under a SystemScope. `slow`
    sends it to the reader threads (SQLite).
    """
    walk = Walk()
    if not system:
        walk.statement(element)
    crosses = system or walk.control
    gated = True
    if dialect.name == POSTGRES:
        element, gated = _gate(element, crosses, control_only=walk.control and not system)
    compiled = cast(Any, element.compile(dialect=dialect, compile_kwargs={"render_postcompile": True}))
    sql: str = compiled.string
    positions = tuple(compiled.positiontup or ())
    if dialect.name == POSTGRES and isinstance(element, Insert) and element.select is None and not crosses:
        # A table with a home tenant has no tenant among its values; its inserts need the transaction around them.
        gated = TENANT_NAME in positions
        sql = _gate_values(sql, positions) if gated else sql
    limit = getattr(element, "_limit_clause", None)
    if dialect.name == POSTGRES and limit is not None and isinstance(limit.type, UpTo):
        sql = _bounded(sql, limit.type.most)
    constants: dict[str, Any] = {}
    converters: list[tuple[str, Converter]] = []
    for name in dict.fromkeys(positions):
        bind = compiled.binds[name]
        convert = bind_converter(bind.type, dialect)
        if name != TENANT_NAME and not bind.required:
            value = bind.effective_value
            constants[name] = value if convert is None or value is None else convert(value)
        # A constant may be given anew, so it keeps its converter.
        if convert is not None and name != TENANT_NAME:
            converters.append((name, convert))
    results = compiled._result_columns or ()
    return Statement(
        sql=sql,
        order=positions,
        constants=constants,
        converters=tuple(converters),
        columns=tuple(entry.keyname for entry in results),
        readers=tuple(result_converter(entry.type, dialect) for entry in results),
        slow=slow,
        system=crosses,
        writes=isinstance(element, Insert | Update | Delete),
        gated=gated,
        homes=frozenset(walk.homes),
        _pick=picker(positions),
    )


def bind_converter(type_: TypeEngine[Any], dialect: Dialect) -> Converter | None:
    """Python value → driver value for any column type, ours or SQLAlchemy's own."""
    if isinstance(type_, StoredType):
        return type_.to_raw(dialect.name)
    if isinstance(type_, SearchWords):
        return lambda words: None if words is None else search_expression(dialect.name, words)
    if isinstance(type_, ValueList):
        inner = bind_converter(type_.item, dialect) or (lambda value: value)
        if dialect.name == POSTGRES:
            return lambda values: [inner(value) for value in values]
        return lambda values: json.dumps([inner(value) for value in values], ensure_ascii=False)
    if isinstance(type_, Uuid) and dialect.name == POSTGRES:
        return lambda value: None if value is None else str(value)
    if isinstance(type_, DateTime) and not type_.timezone and dialect.name == POSTGRES:
        # Existing models keep naive times, in UTC; the driver refuses an aware one for them.
        return _naive
    return cast("Converter | None", type_.dialect_impl(dialect).bind_processor(dialect))


def _naive(value: Any) -> Any:
    return value if value is None or value.tzinfo is None else value.astimezone(UTC).replace(tzinfo=None)


def result_converter(type_: TypeEngine[Any], dialect: Dialect) -> Converter | None:
    """Driver value → Python value for any column type, ours or SQLAlchemy's own."""
    if isinstance(type_, StoredType):
        return type_.from_raw(dialect.name)
    if isinstance(type_, Uuid) and dialect.name == POSTGRES:
        return lambda value: None if value is None else UUID(value)
    if isinstance(type_, JSON) and dialect.name == POSTGRES:
        # Our connections hand JSON over as text.
        return lambda value: json.loads(value) if isinstance(value, str) else value
    # PostgreSQL's numeric types ask what the driver gives: a double (701) or a numeric (1700).
    code = 701 if isinstance(type_, Float) else 1700
    return cast("Converter | None", type_.dialect_impl(dialect).result_processor(dialect, code))


def _gate(element: Any, crosses: bool, control_only: bool) -> tuple[Any, bool]:
    """Make the statement set its own scope for row security, in the same round trip (PostgreSQL).

    The condition has no column in it, so PostgreSQL puts it above every scan as a one-time filter: the setting is
    made before any row is looked at. If ever it were not, the policy would find no tenant and yield no rows.
    """
    if control_only:
        return element, True
    setting = "mainstay.system" if crosses else "mainstay.tenant"
    value: Any = literal_column("'on'") if crosses else sql_cast(TENANT, Text)
    made: ScalarSelect[Any] = select(
        func.set_config(literal_column(f"'{setting}'"), value, literal_column("true"))
    ).scalar_subquery()
    if isinstance(element, Select | Update | Delete):
        return element.where(made.is_not(None)), True
    if isinstance(element, CompoundSelect):
        inner = element.subquery("mainstay_rows")
        return select(*inner.c).where(made.is_not(None)), True
    if isinstance(element, Insert) and element.select is not None:
        gated = element._generate()
        gated.select = element.select.where(made.is_not(None))
        return gated, True
    return element, not crosses


def _gate_values(sql: str, positions: tuple[str, ...]) -> str:
    # In VALUES the tenant itself is what set_config returns: computed with the row, before the policy checks it.
    number = positions.index(TENANT_NAME) + 1
    made = f"CAST((SELECT set_config('mainstay.tenant', CAST(${number}::UUID AS TEXT), true)) AS UUID)"
    return re.sub(rf"\${number}::UUID\b", lambda _: made, sql, count=1)


def _bounded(sql: str, most: int) -> str:
    """The statement with a LIMIT that the planner can see inside the one that is bound."""
    last = _LAST_LIMIT.search(sql)
    if last is None:
        # With an OFFSET the bound would have to be that much larger.
        return sql
    return f"SELECT * FROM ({sql[: last.start()]} LIMIT {most}) AS mainstay_page LIMIT {last[1]}"  # noqa: S608  compiled text


def fuse(*statements: Statement) -> Statement:
    """Several changes as one: one round trip on PostgreSQL, in order on SQLite. Answers the rows of the last one.

    On PostgreSQL they all see the rows as they were before; binds of the same name are one bind.
    """
    last = statements[-1]
    merged: dict[str, Any] = {}
    for statement in statements:
        merged.update(statement.constants)
    order = tuple(dict.fromkeys(name for statement in statements for name in statement.order))
    numbered = re.search(r"\$\d", statements[0].sql) is not None
    texts = [renumbered(statement, order) for statement in statements] if numbered else []
    named = ", ".join(f"mainstay_{index} AS ({text})" for index, text in enumerate(texts[:-1]))
    return Statement(
        sql=f"WITH {named} {texts[-1]}" if named else "",
        order=order,
        constants=merged,
        converters=tuple({name: convert for s in statements for name, convert in s.converters}.items()),
        columns=last.columns,
        readers=last.readers,
        system=any(statement.system for statement in statements),
        writes=True,
        gated=all(statement.gated for statement in statements),
        homes=frozenset().union(*(statement.homes for statement in statements)),
        parts=() if texts else statements,
        _pick=picker(order),
    )


def renumbered(statement: Statement, order: tuple[str, ...]) -> str:
    """The statement's text with its `$n` numbered by their place in `order` (PostgreSQL)."""
    return re.sub(r"\$(\d+)", lambda m: f"${order.index(statement.order[int(m[1]) - 1]) + 1}", statement.sql)
