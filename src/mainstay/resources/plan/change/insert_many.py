"""Many rows of one resource in one INSERT, with their outbox rows."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Dialect, insert, select

from mainstay.model.spec import ResourceSpec
from mainstay.resources.plan.change.writes import Echo, compile_insert, value_bind
from mainstay.resources.plan.select.serialise import values_to_binds
from mainstay.storage.outbox import nth, recorded_many, recorded_rows
from mainstay.storage.sql import TENANT, rows_from
from mainstay.storage.statement import Raw, Statement, bind_converter, compile_statement
from mainstay.storage.types import POSTGRES

# Beyond this many rows a statement gains nothing, and its values only take memory.
MOST = 500
# On SQLite every value is a bind of its own: of those a statement has 32,766, and its text is kept for each number
# of rows, which are powers of two for that reason.
_MOST_EMBEDDED, _BINDS = 64, 30_000


@dataclass(slots=True, eq=False)
class RowsInsert:
    """A statement that creates rows, and the function that makes the driver values of one.

    The values of rows are bound as lists; one by one where the statement was made for `count` rows.
    """

    statement: Statement
    new: Callable[[dict[str, Any]], dict[str, Any]]
    names: tuple[str, ...]
    convert: dict[str, Callable[[Any], Any]]
    count: int | None = None

    def bind(self, rows: Sequence[dict[str, Any]], others: dict[str, Any]) -> Raw:
        """The driver values: of each field in every row, and everything else that the statement binds."""
        made = [self.new(row) for row in rows]
        lists = {name: [each[name] for each in made] for name in self.names}
        bound = Raw()
        for name, value in others.items():
            if isinstance(value, list):
                # Under its own name as well: who listens to writes reads there whose they are.
                lists[name] = bound[name] = value
            else:
                convert = self.convert.get(name)
                bound[name] = value if convert is None else convert(value)
        if self.count is None:
            bound.update(lists)
        else:
            for name, values in lists.items():
                bound.update((nth(name, index), value) for index, value in enumerate(values))
        return bound


def sizes(dialect: Dialect, fields: int, rows: int) -> Iterator[int]:
    """How many rows of so many fields go into each statement, for all of them."""
    if dialect.name == POSTGRES:
        yield from (min(MOST, rows - start) for start in range(0, rows, MOST))
        return
    most = min(_MOST_EMBEDDED, _BINDS // (fields + 1))
    while rows:
        size = 1 << (min(rows, most).bit_length() - 1)
        yield size
        rows -= size


def plan_insert_many(spec: ResourceSpec, dialect: Dialect, names: Sequence[str], echo: Echo, count: int) -> RowsInsert:
    """INSERT of rows with these fields, `count` of them on SQLite; the rows are answered in their order."""
    if dialect.name != POSTGRES:
        one = compile_insert(spec, dialect, names, echo)
        statement = recorded_rows(one, dialect, [value_bind(name) for name in names], count)
        return _rows_insert(spec, dialect, names, statement, count)
    columns = [spec.fields[name].column for name in names]
    given = rows_from({value_bind(name): column.type for name, column in zip(names, columns, strict=True)})
    values = list(given.c)
    if spec.tenant_column is not None:
        columns, values = [spec.tenant_column, *columns], [TENANT, *values]
    source = select(*values).select_from(given)
    core = insert(spec.table).from_select(columns, source, include_defaults=False).returning(*echo.columns)
    statement = recorded_many(compile_statement(core, dialect), dialect)
    return _rows_insert(spec, dialect, names, statement, None)


def _rows_insert(
    spec: ResourceSpec, dialect: Dialect, names: Sequence[str], statement: Statement, count: int | None
) -> RowsInsert:
    binds = [(name, value_bind(name), bind_converter(spec.fields[name].column.type, dialect)) for name in names]
    return RowsInsert(
        statement, values_to_binds(binds), tuple(bind for _, bind, _ in binds), dict(statement.converters), count
    )
