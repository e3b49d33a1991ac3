"""Bringing a database to the declared tables without revisions: what adds is done, what loses is refused."""

from collections.abc import Iterator, Sequence
from typing import Any

from alembic.operations import Operations, ops
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Column, Connection, DefaultClause, FetchedValue, MetaData, Table, func, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.schema import CreateTable

from mainstay.base.errors import ConfigurationError
from mainstay.storage.migrations.compare import differences, tables_of
from mainstay.storage.statement import bind_converter
from mainstay.storage.types import POSTGRES

_FIX = "Write a revision and look it over: mainstay migrate --write 'what changes'."


def add_missing(connection: Connection, metadatas: Sequence[MetaData]) -> list[str]:
    """Apply what is missing; answers it in sentences. Raises ConfigurationError, having changed nothing, for a loss."""
    upgrade = differences(connection, metadatas)
    declared = tables_of(metadatas)
    steps = list(flat(upgrade))
    refused = [sentence for step in steps if (sentence := loss(connection, step, declared)) is not None]
    if refused:
        raise ConfigurationError(" ".join(refused), fix=_FIX)
    fill_required(upgrade, connection)
    operations = Operations(MigrationContext.configure(connection, opts={"transactional_ddl": False}))
    for step in upgrade.ops:
        try:
            _apply(connection, operations, step, declared)
        except IntegrityError as error:
            raise ConfigurationError(
                f"The rows already stored break a new rule: {', '.join(told(s) for s in flat_one(step))}.",
                fix="Correct those rows, or take the rule out of the declaration.",
            ) from error
    return [told(step) for step in steps]


def flat(upgrade: ops.UpgradeOps) -> Iterator[ops.MigrateOperation]:
    """The single operations, tables unfolded."""
    for step in upgrade.ops:
        yield from flat_one(step)


def flat_one(step: ops.MigrateOperation) -> Iterator[ops.MigrateOperation]:
    if isinstance(step, ops.ModifyTableOps):
        yield from step.ops
    else:
        yield step


def loss(connection: Connection, step: ops.MigrateOperation, declared: dict[str, Table]) -> str | None:
    """Why this operation is not additive, in a sentence, or None."""
    match step:
        case ops.DropTableOp():
            return f"The table {step.table_name} is no longer declared, and dropping it would lose its rows."
        case ops.DropColumnOp():
            return f"{step.table_name}.{step.column_name} is no longer declared, and dropping it would lose its values."
        case ops.AlterColumnOp(modify_type=modified) if modified is not None:
            return f"{step.table_name}.{step.column_name} would change its type to {modified!r}."
        case ops.AlterColumnOp(modify_nullable=False) if _has_rows(connection, step.table_name):
            return f"{step.table_name}.{step.column_name} would no longer admit an empty value."
        case ops.AddColumnOp() if not step.column.nullable and _default(step.column, connection) is None:
            if _has_rows(connection, step.table_name):
                return (
                    f"{step.table_name}.{step.column.name} is required and has no default, and {step.table_name} "
                    "already has rows."
                )
    return None


def told(step: ops.MigrateOperation) -> str:
    """The operation in a few words."""
    match step:
        case ops.CreateTableOp():
            return f"create table {step.table_name}"
        case ops.AddColumnOp():
            return f"add column {step.table_name}.{step.column.name}"
        case ops.CreateIndexOp():
            return f"add index {step.index_name} on {step.table_name}"
        case ops.DropIndexOp():
            return f"drop index {step.index_name}"
        case ops.DropConstraintOp():
            return f"drop constraint {step.constraint_name} of {step.table_name}"
        case ops.AlterColumnOp():
            return f"alter column {step.table_name}.{step.column_name}"
        case ops.AddConstraintOp():
            named: Any = step
            table = getattr(named, "table_name", None) or getattr(named, "source_table", "")
            return f"add constraint {named.constraint_name} to {table}"
        case ops.DropTableOp():
            return f"drop table {step.table_name}"
        case ops.DropColumnOp():
            return f"drop column {step.table_name}.{step.column_name}"
    return type(step).__name__


def _apply(
    connection: Connection, operations: Operations, step: ops.MigrateOperation, declared: dict[str, Table]
) -> None:
    if isinstance(step, ops.CreateTableOp):
        # From the declaration itself: the operation knows nothing of `rid`.
        connection.execute(CreateTable(declared[step.table_name]))
    elif isinstance(step, ops.ModifyTableOps):
        inner = step.ops
        if connection.dialect.name == POSTGRES or all(isinstance(each, ops.CreateIndexOp) for each in inner):
            for each in inner:
                operations.invoke(each)
        else:
            with operations.batch_alter_table(step.table_name) as batch:
                for each in inner:
                    batch.invoke(each)
    else:
        operations.invoke(step)


def fill_required(upgrade: ops.UpgradeOps, connection: Connection) -> None:
    """Give each new required column its default in the database too."""
    for step in upgrade.ops:
        if isinstance(step, ops.ModifyTableOps):
            step.ops[:] = [_filled(each, connection) for each in step.ops]


def _filled(step: ops.MigrateOperation, connection: Connection) -> ops.MigrateOperation:
    """A required new column gets its default in the database too, for the rows that are already there."""
    if not isinstance(step, ops.AddColumnOp):
        return step
    column = step.column._copy()
    if not column.nullable and column.server_default is None:
        default = _default(step.column, connection)
        if default is not None:
            column.server_default = default if isinstance(default, FetchedValue) else DefaultClause(default)
    return ops.AddColumnOp(step.table_name, column, schema=step.schema)


def _default(column: "Column[Any]", connection: Connection) -> Any:
    if column.server_default is not None:
        return column.server_default
    if column.default is None or not column.default.is_scalar:
        return None
    value = column.default.arg  # type: ignore[attr-defined]  # a scalar default has one
    convert = bind_converter(column.type, connection.dialect)
    raw = value if convert is None else convert(value)
    # As text, which both databases read as the column's own type.
    return str(int(raw)) if isinstance(raw, bool) else str(raw)


def _has_rows(connection: Connection, name: str) -> bool:
    exists = select(func.count()).select_from(
        select(text("1")).select_from(text(_quoted(connection, name))).limit(1).subquery()
    )
    return bool(connection.execute(exists).scalar())


def _quoted(connection: Connection, name: str) -> str:
    return connection.dialect.identifier_preparer.quote(name)
