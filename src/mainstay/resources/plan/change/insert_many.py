"""Many rows of one resource in one INSERT, with their outbox rows (PostgreSQL)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Dialect, insert, select

from mainstay.model.spec import ResourceSpec
from mainstay.resources.plan.change.writes import Echo, value_bind
from mainstay.resources.plan.select.serialise import values_to_binds
from mainstay.storage.outbox import recorded_many
from mainstay.storage.sql import TENANT, rows_from
from mainstay.storage.statement import Raw, Statement, bind_converter, compile_statement

# Beyond this many rows a statement gains nothing, and its values only take memory.
MOST = 500


@dataclass(slots=True, eq=False)
class RowsInsert:
    """A statement that creates rows, and the function that makes the driver values of one."""

    statement: Statement
    new: Callable[[dict[str, Any]], dict[str, Any]]
    names: tuple[str, ...]
    convert: dict[str, Callable[[Any], Any]]

    def bind(self, rows: Sequence[dict[str, Any]], others: dict[str, Any]) -> Raw:
        """The driver values: a list for each field, and everything else that the statement binds."""
        made = [self.new(row) for row in rows]
        bound = Raw({name: [each[name] for each in made] for name in self.names})
        for name, value in others.items():
            convert = None if isinstance(value, list) else self.convert.get(name)
            bound[name] = value if convert is None else convert(value)
        return bound


def plan_insert_many(spec: ResourceSpec, dialect: Dialect, names: Sequence[str], echo: Echo) -> RowsInsert:
    """INSERT of rows with these fields; the rows are answered in their order."""
    columns = [spec.fields[name].column for name in names]
    given = rows_from({value_bind(name): column.type for name, column in zip(names, columns, strict=True)})
    values = list(given.c)
    if spec.tenant_column is not None:
        columns, values = [spec.tenant_column, *columns], [TENANT, *values]
    source = select(*values).select_from(given)
    core = insert(spec.table).from_select(columns, source, include_defaults=False).returning(*echo.columns)
    statement = recorded_many(compile_statement(core, dialect), dialect)
    binds = [(name, value_bind(name), bind_converter(spec.fields[name].column.type, dialect)) for name in names]
    return RowsInsert(
        statement, values_to_binds(binds), tuple(bind for _, bind, _ in binds), dict(statement.converters)
    )
