"""Statements that change one row, each with its outbox row, and the row as it stands before."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Dialect, and_, bindparam, case, delete, insert, select, update

from mainstay.access.policy import Folded, compile_rule
from mainstay.model.spec import ResourceSpec
from mainstay.model.types import Kind
from mainstay.resources.plan.context import PlanContext
from mainstay.resources.plan.row import KEY, RowPlan, plan_row, version_reader
from mainstay.resources.plan.select.face import Face, Objects
from mainstay.resources.plan.select.lens import Lens
from mainstay.resources.plan.select.serialise import rows_to_values, values_to_binds
from mainstay.resources.plan.select.sources import Source
from mainstay.resources.query import ListQuery
from mainstay.storage.outbox import recorded
from mainstay.storage.sql import TENANT, in_tenant
from mainstay.storage.statement import Raw, Statement, compile_statement

SEEN_VERSION = "seen_version"


@dataclass(slots=True, eq=False)
class Echo:
    """How a changed row is answered: from the columns that the change itself returns, or by reading it again."""

    columns: list[ColumnElement[Any]]
    objects: Objects
    version: Callable[[Any], str]
    values: Callable[[Any], dict[str, Any]]
    tag: str | None
    again: RowPlan | None


def plan_echo(context: PlanContext, query: ListQuery) -> Echo:
    """The answer to a change. RETURNING knows the row itself only: what needs other rows is read again."""
    lens = context.lens_of(query.resource)
    face = Face(context.registry, Source(lens), context.lens_of, context.dialect, query.fields)
    direct = not query.expand and not face.counts and lens.masks.constant
    # What is stored is returned unmasked too: hooks and checks see the row itself.
    bare = Face(context.registry, Source(lens), context.lens_of, context.dialect, ()) if not direct else face
    values = stored_values(bare)
    version = version_reader(bare, context.cursors)
    return Echo(
        columns=bare.columns,
        objects=bare.objects(),
        version=version,
        values=values,
        tag=face.tag() if face.plain else None,
        again=None if direct else plan_row(context, query),
    )


def stored_values(face: Face) -> Callable[[Any], dict[str, Any]]:
    """The function from a row to canonical values of all fields, masks aside."""
    return rows_to_values([(n, face.stored(n), face.reader(f)) for n, f in face.spec.fields.items()])


@dataclass(slots=True, eq=False)
class Current:
    """The row as it stands, locked until the end of the transaction, and what the rules say of it."""

    statement: Statement
    peek: Statement
    values: Callable[[Any], dict[str, Any]]
    version: Callable[[Any], str]
    readable: int | None
    allowed: int | None


def plan_current(context: PlanContext, lens: Lens, rule: Folded) -> Current:
    """Compile the look at a row before its change. `rule` is that of the operation, folded for the caller."""
    source = Source(lens)
    face = Face(context.registry, source, context.lens_of, context.dialect, ())
    values, version = stored_values(face), version_reader(face, context.cursors)
    readable = allowed = None
    if lens.read.verdict is None:
        readable = face.column("readable", _flag(source, lens.read, lens.prefix("read")))
    if rule.verdict is None:
        allowed = face.column("allowed", _flag(source, rule, lens.prefix("rule")))
    key = source.spec.key
    where = and_(in_tenant(source.table), source.stored(key.name) == bindparam(KEY, type_=key.column.type))
    core = select(*face.columns).where(where)
    locked = compile_statement(core.with_for_update(of=source.spec.table), context.dialect)
    return Current(locked, compile_statement(core, context.dialect), values, version, readable, allowed)


def plan_check(context: PlanContext, lens: Lens, rule: Folded) -> Statement:
    """One row if the rule holds for the row with this key, as it stands within the transaction."""
    source = Source(lens)
    key = source.spec.key
    held = compile_rule(rule, source.table, prefix=lens.prefix("rule"))
    where = and_(in_tenant(source.table), source.stored(key.name) == bindparam(KEY, type_=key.column.type), held)
    return compile_statement(select(source.stored(key.name)).where(where), context.dialect)


def _flag(source: Source, rule: Folded, prefix: str) -> ColumnElement[Any]:
    return case((compile_rule(rule, source.table, prefix=prefix), 1), else_=0)


@dataclass(slots=True, eq=False)
class RowWrite:
    """A statement that changes one row, and the functions that make its driver values.

    `told` says that the statement writes the outbox row as well, `wire` makes what that row says of the values.
    """

    statement: Statement
    new: Callable[[dict[str, Any]], dict[str, Any]]
    wire: Callable[[dict[str, Any]], dict[str, Any]]
    convert: dict[str, Callable[[Any], Any]]
    told: bool

    def bind(self, values: dict[str, Any], others: dict[str, Any]) -> Raw:
        """The driver values: of the fields to be set, and of everything else that the statement binds."""
        bound = Raw(self.new(values))
        for name, value in others.items():
            convert = self.convert.get(name)
            bound[name] = value if convert is None else convert(value)
        return bound


def plan_insert(spec: ResourceSpec, dialect: Dialect, names: Sequence[str], echo: Echo) -> RowWrite:
    """INSERT of these fields, with its outbox row where the key is known before."""
    statement = compile_insert(spec, dialect, names, echo)
    return _row_write(spec, dialect, names, statement, told=spec.key.name in names)


def compile_insert(spec: ResourceSpec, dialect: Dialect, names: Sequence[str], echo: Echo) -> Statement:
    """INSERT of one row with these fields."""
    values: dict[Any, Any] = {spec.fields[name].column: _value(spec, name) for name in names}
    if spec.tenant_column is not None:
        values[spec.tenant_column] = TENANT
    return compile_statement(insert(spec.table).values(values).returning(*echo.columns), dialect)


def plan_update(spec: ResourceSpec, dialect: Dialect, names: Sequence[str], echo: Echo) -> RowWrite:
    """UPDATE of these fields in the row with this key and version, with its outbox row."""
    values: dict[Any, Any] = {spec.fields[name].column: _value(spec, name) for name in names}
    if spec.version_column is not None:
        values[spec.version_column] = spec.version_column + 1
    core = update(spec.table).where(_found(spec)).values(values).returning(*echo.columns)
    return _row_write(spec, dialect, names, compile_statement(core, dialect), told=True)


def _row_write(
    spec: ResourceSpec, dialect: Dialect, names: Sequence[str], statement: Statement, *, told: bool
) -> RowWrite:
    if told:
        statement = recorded(statement, dialect)
    convert = dict(statement.converters)
    new = values_to_binds([(name, value_bind(name), convert.get(value_bind(name))) for name in names])
    return RowWrite(statement, new, values_to_wire(spec, names), convert, told)


def values_to_wire(spec: ResourceSpec, names: Sequence[str]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """A function from canonical values to those of readable fields, as JSON is made of them.

    Ids and enumerated values are left to orjson, which writes them as we do.
    """
    readable = [
        (name, spec.fields[name].values) for name in spec.fields if name in names and spec.fields[name].readable
    ]
    as_they_are = [type(kind).to_json is Kind.to_json or kind.name in ("uuid", "enum") for _, kind in readable]
    return values_to_binds(
        [(name, name, None if left else kind.to_json) for (name, kind), left in zip(readable, as_they_are, strict=True)]
    )


def plan_same(spec: ResourceSpec, dialect: Dialect, echo: Echo) -> Statement:
    """What an UPDATE would return, where nothing is to be changed."""
    where = and_(in_tenant(spec.table), spec.key.column == bindparam(KEY, type_=spec.key.column.type))
    return compile_statement(select(*echo.columns).where(where), dialect)


def plan_delete(spec: ResourceSpec, dialect: Dialect) -> Statement:
    """DELETE of the row with this key and version, with its outbox row."""
    returned = [spec.key.column, *([spec.version_column] if spec.version_column is not None else [])]
    return recorded(compile_statement(delete(spec.table).where(_found(spec)).returning(*returned), dialect), dialect)


def value_bind(name: str) -> str:
    """The bind that carries the new value of a field."""
    return f"new_{name}"


def _found(spec: ResourceSpec) -> ColumnElement[bool]:
    conditions = [in_tenant(spec.table), spec.key.column == bindparam(KEY, type_=spec.key.column.type)]
    if spec.version_column is not None:
        conditions.append(spec.version_column == bindparam(SEEN_VERSION, type_=spec.version_column.type))
    return and_(*conditions)


def _value(spec: ResourceSpec, name: str) -> Any:
    return bindparam(value_bind(name), type_=spec.fields[name].column.type)
