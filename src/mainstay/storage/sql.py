"""Conditions spelled once and rendered per database, so that a plan's text never depends on a request's values."""

from collections.abc import Mapping
from typing import Any, TypeVar, cast, overload
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, FromClause, Table, TextClause, bindparam, func, text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql import Executable, operators
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import BindParameter, UnaryExpression
from sqlalchemy.sql.expression import Alias, TableValuedAlias
from sqlalchemy.sql.visitors import InternalTraversal
from sqlalchemy.types import NULLTYPE, Integer, String, Text, TypeEngine, UserDefinedType

from mainstay.base.errors import ConfigurationError
from mainstay.storage.search import SEARCH_COLUMN, SEARCH_TENANT, indexed, search_name
from mainstay.storage.types import UuidText

TENANT_NAME = "mainstay_tenant"
# The only spelling of "the caller's tenant": its value comes from the scope, never from a caller's values.
TENANT: BindParameter[UUID] = bindparam(TENANT_NAME, type_=UuidText())

TENANT_PLANE, CONTROL_PLANE = "tenant", "control"


def base_table(source: FromClause) -> Table | None:
    """The table behind a table or an alias of one; None for subqueries and functions."""
    while isinstance(source, Alias):
        source = cast(FromClause, source.element)
    return source if isinstance(source, Table) else None


def plane(table: Table) -> str:
    """`tenant` or `control`. Raises ConfigurationError for a table that names neither."""
    named = table.info.get("plane")
    if named not in (TENANT_PLANE, CONTROL_PLANE):
        raise ConfigurationError(
            f"The table {table.name} does not say which plane it belongs to.",
            fix='Add info={"plane": "tenant"} (or "control") to the table, or expose it through the app.',
        )
    return cast(str, named)


def tenant_column(table: Table) -> str | None:
    """The name of the tenant column, or None for an exposed table that has none and belongs to one home tenant."""
    if "home_tenant" in table.info:
        return None
    return cast(str, table.info.get("tenant_column", "tenant_id"))


def in_tenant(source: FromClause) -> ColumnElement[bool]:
    """The condition that keeps a table or alias to the caller's tenant."""
    table = base_table(source)
    if table is None:
        raise TypeError("Only a table or an alias of one belongs to a tenant.")
    name = tenant_column(table)
    if name is None:
        return bindparam(None, UUID(str(table.info["home_tenant"])), type_=UuidText(), unique=True) == TENANT
    return source.c[name] == TENANT


class _AnyOf(ColumnElement[bool]):
    inherit_cache = True
    type: TypeEngine[Any] = NULLTYPE
    _traverse_internals = [  # noqa: RUF012  SQLAlchemy's protocol
        ("left", InternalTraversal.dp_clauseelement),
        ("values", InternalTraversal.dp_clauseelement),
    ]

    def __init__(self, left: ColumnElement[Any], name: str) -> None:
        self.left = left
        self.values = bindparam(name, type_=ValueList(left.type))


class ValueList(UserDefinedType[Any]):
    """A bound list: an array on PostgreSQL, a JSON array on SQLite. `item` is the type of each value."""

    cache_ok = True

    def __init__(self, item: Any) -> None:
        self.item = item


class UpTo(Integer):
    """A LIMIT that is bound, and never more than `most`.

    PostgreSQL guesses a tenth of all rows for a LIMIT that it does not know, and so plans the statement anew each
    time; with a bound to look at, it keeps one plan.
    """

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most = most


def any_of(left: ColumnElement[Any], name: str) -> ColumnElement[bool]:
    """`left` equals one of the values of the list bound under `name`; an empty list admits nothing."""
    return _AnyOf(left, name)


@compiles(_AnyOf)
def _any_of_json(element: _AnyOf, compiler: SQLCompiler, **kw: Any) -> str:
    left, values = compiler.process(element.left, **kw), compiler.process(element.values, **kw)
    return f"({left} IN (SELECT value FROM json_each({values})))"  # noqa: S608  rendered expressions


@compiles(_AnyOf, "postgresql")
def _any_of_array(element: _AnyOf, compiler: SQLCompiler, **kw: Any) -> str:
    left = compiler.process(element.left, **kw)
    return f"({left} = ANY ({_array(element.values, element.left.type, compiler, **kw)}))"


def _array(values: BindParameter[Any], item: TypeEngine[Any], compiler: SQLCompiler, **kw: Any) -> str:
    array = compiler.dialect.type_compiler_instance.process(ARRAY(item))
    # A collation may not stand inside a cast's type.
    return f"CAST({compiler.process(values, **kw)} AS {array.split(' COLLATE')[0].removesuffix('[]')}[])"


class _Array(ColumnElement[Any]):
    inherit_cache = True
    type: TypeEngine[Any] = NULLTYPE
    _traverse_internals = [("values", InternalTraversal.dp_clauseelement)]  # noqa: RUF012  as above

    def __init__(self, name: str, item: TypeEngine[Any]) -> None:
        self.item = item
        self.values = bindparam(name, type_=ValueList(item))


@compiles(_Array, "postgresql")
def _array_of(element: _Array, compiler: SQLCompiler, **kw: Any) -> str:
    return _array(element.values, element.item, compiler, **kw)


def rows_from(lists: Mapping[str, TypeEngine[Any]]) -> TableValuedAlias:
    """PostgreSQL: the lists bound under these names, side by side as rows with a column `c0`, `c1`… for each."""
    arrays = [_Array(name, item) for name, item in lists.items()]
    columns = [f"c{index}" for index in range(len(arrays))]
    return func.unnest(*arrays).table_valued(*columns).render_derived(name="given")


class _Quoted(ColumnElement[str]):
    inherit_cache = True
    type = Text()
    _traverse_internals = [("text", InternalTraversal.dp_string)]  # noqa: RUF012  as above

    def __init__(self, text: str) -> None:
        self.text = text


def quoted(text: str) -> ColumnElement[str]:
    """A constant text, written into the statement instead of bound: for texts that a plan itself brings along."""
    return _Quoted(text)


@compiles(_Quoted)
def _quoted(element: _Quoted, compiler: SQLCompiler, **kw: Any) -> str:
    return "'" + element.text.replace("'", "''") + "'"


class _Fold(ColumnElement[str]):
    """Lower-cases ASCII letters only, the same on both databases."""

    inherit_cache = True
    type = String()
    _traverse_internals = [("inner", InternalTraversal.dp_clauseelement)]  # noqa: RUF012  as above

    def __init__(self, inner: ColumnElement[Any]) -> None:
        self.inner = inner


@compiles(_Fold)
def _fold_sqlite(element: _Fold, compiler: SQLCompiler, **kw: Any) -> str:
    return f"lower({compiler.process(element.inner, **kw)})"


@compiles(_Fold, "postgresql")
def _fold_postgresql(element: _Fold, compiler: SQLCompiler, **kw: Any) -> str:
    # Under the "C" collation lower() touches A to Z only, as SQLite's does.
    return f'lower(({compiler.process(element.inner, **kw)}) COLLATE "C")'


class _Sha256(ColumnElement[str]):
    inherit_cache = True
    type = Text()
    _traverse_internals = [("inner", InternalTraversal.dp_clauseelement)]  # noqa: RUF012  as above

    def __init__(self, inner: ColumnElement[Any]) -> None:
        self.inner = inner


def sha256_hex(text: ColumnElement[Any]) -> ColumnElement[str]:
    """The SHA-256 of a text in UTF-8, as 64 hexadecimal digits."""
    return _Sha256(text)


@compiles(_Sha256)
def _sha256_sqlite(element: _Sha256, compiler: SQLCompiler, **kw: Any) -> str:
    # Our connections bring it along (engines/sqlite/connect.py).
    return f"sha256_hex({compiler.process(element.inner, **kw)})"


@compiles(_Sha256, "postgresql")
def _sha256_postgresql(element: _Sha256, compiler: SQLCompiler, **kw: Any) -> str:
    return f"encode(sha256(convert_to({compiler.process(element.inner, **kw)}, 'UTF8')), 'hex')"


class _Position(ColumnElement[int]):
    inherit_cache = True
    type: TypeEngine[Any] = NULLTYPE
    _traverse_internals = [  # noqa: RUF012  SQLAlchemy's protocol
        ("left", InternalTraversal.dp_clauseelement),
        ("needle", InternalTraversal.dp_clauseelement),
        ("where", InternalTraversal.dp_string),
    ]

    def __init__(self, left: ColumnElement[Any], needle: ColumnElement[Any], where: str) -> None:
        self.left, self.needle, self.where = left, needle, where


@compiles(_Position)
def _position(element: _Position, compiler: SQLCompiler, **kw: Any) -> str:
    left, needle = compiler.process(element.left, **kw), compiler.process(element.needle, **kw)
    find = "strpos" if compiler.dialect.name == "postgresql" else "instr"
    if element.where == "within":
        return f"({find}({left}, {needle}) > 0)"
    length = compiler.process(element.needle, **kw)
    if element.where == "start":
        return f"(substr({left}, 1, length({needle})) = {length})"
    # substr with a negative start counts from the end on SQLite only; right() exists on PostgreSQL only.
    if compiler.dialect.name == "postgresql":
        return f"(right({left}, length({needle})) = {length})"
    again = compiler.process(element.needle, **kw)
    return f"({needle} = '' OR substr({left}, -length({length})) = {again})"


def _folded(left: ColumnElement[Any], name: str, where: str, fold: bool) -> ColumnElement[bool]:
    needle: ColumnElement[Any] = bindparam(name, type_=Text())
    if fold:
        return cast("ColumnElement[bool]", _Position(_Fold(left), _Fold(needle), where))
    return cast("ColumnElement[bool]", _Position(left, needle, where))


def contains(left: ColumnElement[Any], name: str) -> ColumnElement[bool]:
    """The text bound under `name` occurs in `left`; ASCII case is folded, `%` and `_` are themselves."""
    return _folded(left, name, "within", fold=True)


def starts_with(left: ColumnElement[Any], name: str, *, fold: bool = True) -> ColumnElement[bool]:
    """`left` begins with the text bound under `name`."""
    return _folded(left, name, "start", fold)


def ends_with(left: ColumnElement[Any], name: str, *, fold: bool = True) -> ColumnElement[bool]:
    """`left` ends with the text bound under `name`."""
    return _folded(left, name, "end", fold)


def nulls_smallest(order: ColumnElement[Any]) -> ColumnElement[Any]:
    """An ORDER BY term in which NULL sorts before every value ascending, after every value descending."""
    descending = isinstance(order, UnaryExpression) and order.modifier is operators.desc_op
    return cast("ColumnElement[Any]", order.nulls_last() if descending else order.nulls_first())


class _Matches(ColumnElement[bool]):
    inherit_cache = True
    type: TypeEngine[Any] = NULLTYPE
    _traverse_internals = [  # noqa: RUF012  SQLAlchemy's protocol
        ("source", InternalTraversal.dp_clauseelement),
        ("tenant", InternalTraversal.dp_clauseelement),
        ("query", InternalTraversal.dp_clauseelement),
    ]

    def __init__(self, source: FromClause, name: str) -> None:
        self.source = source
        self.tenant = TENANT
        self.query = bindparam(name, type_=SearchWords())


class SearchWords(Text):
    """What a person typed into a search box."""


def matches(source: FromClause, name: str) -> ColumnElement[bool]:
    """The row's searchable text holds every word bound under `name` (the last one as a prefix)."""
    table = base_table(source)
    if table is None or not table.info.get("search"):
        raise TypeError("Full-text search needs a table with searchable columns.")
    return _Matches(source, name)


def _source_name(source: FromClause, compiler: SQLCompiler) -> str:
    return compiler.preparer.quote(cast(str, cast(Any, source).name))


@compiles(_Matches)
def _matches_fts5(element: _Matches, compiler: SQLCompiler, **kw: Any) -> str:
    table = cast(Table, base_table(element.source))
    index = compiler.preparer.quote(search_name(table))
    query = compiler.process(element.query, **kw)
    columns = " ".join(indexed(name) for name in table.info["search"])
    expression = f"'{{{columns}}} : (' || {query} || ')'"
    if tenant_column(table) is not None:
        # The tenant is a term of the index, so that another tenant's rows are never even looked at.
        tenant = compiler.process(element.tenant, **kw)
        # The tenant is rendered first: positional binds are numbered in the order in which they are rendered.
        query = compiler.process(element.query, **kw)
        expression = f"'{SEARCH_TENANT} : ' || replace({tenant}, '-', '') || ' AND {{{columns}}} : (' || {query} || ')'"
    rid = f"{_source_name(element.source, compiler)}.rid"
    return f"({rid} IN (SELECT rowid FROM {index} WHERE {index} MATCH {expression}))"  # noqa: S608  quoted names


@compiles(_Matches, "postgresql")
def _matches_tsvector(element: _Matches, compiler: SQLCompiler, **kw: Any) -> str:
    query = compiler.process(element.query, **kw)
    return f"({_source_name(element.source, compiler)}.{SEARCH_COLUMN} @@ CAST({query} AS tsquery))"


UNSAFE = "mainstay_unsafe"
E = TypeVar("E", bound=Executable)


@overload
def unsafe(statement: str) -> TextClause: ...


@overload
def unsafe(statement: E) -> E: ...


def unsafe(statement: Any) -> Any:
    """Raw SQL or Core for a tenant-scoped session: the named way past its guards.

    Text must contain `:tenant`, which is bound to the session's tenant; Core must hold itself to it. On PostgreSQL
    row security still holds.
    """
    return (text(statement) if isinstance(statement, str) else statement).execution_options(**{UNSAFE: True})


def is_tenant_bind(element: Any) -> bool:
    """Whether this bind is TENANT."""
    return isinstance(element, BindParameter) and element.key == TENANT_NAME
