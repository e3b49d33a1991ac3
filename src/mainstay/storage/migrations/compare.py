"""What the declared tables need that the database does not have."""

from collections.abc import Iterable, Sequence
from typing import Any

from alembic.autogenerate import produce_migrations
from alembic.operations import ops
from alembic.runtime.migration import MigrationContext
from sqlalchemy import CheckConstraint, Connection, Dialect, MetaData, Table, inspect, select
from sqlalchemy.types import TypeEngine

from mainstay.storage.orders import ORDER_SUFFIX
from mainstay.storage.search import SEARCH_COLUMN
from mainstay.storage.tables import managed
from mainstay.storage.types import POSTGRES

_AS_DDL = {"literal_binds": True, "include_table": False}
GENERATED = {"rid", SEARCH_COLUMN}
_OWN_INDEXES = ("_mainstay_search", ORDER_SUFFIX)


def comparison(connection: Connection, metadatas: Sequence[MetaData], options: dict[str, Any]) -> MigrationContext:
    """An Alembic context that looks only at the app's own tables, and not at what Mainstay adds to them."""
    declared = tables_of(metadatas)
    known = {*declared, *managed_checks(connection)}

    def include_name(name: str | None, kind: str, parents: Any) -> bool:
        if kind == "table":
            return name in known
        return not (kind == "column" and name in GENERATED)

    def include_object(item: Any, name: str | None, kind: str, reflected: bool, other: Any) -> bool:
        if not reflected and kind == "table":
            return name in declared
        if not reflected or other is not None:
            return True
        if kind == "unique_constraint":
            # On SQLite the declared primary key lies in the database as a UNIQUE one, beside `rid`.
            table = declared.get(item.table.name)
            key = [] if table is None else [column.name for column in table.primary_key.columns]
            return sorted(column.name for column in item.columns) != sorted(key)
        return not (kind == "index" and name is not None and name.endswith(_OWN_INDEXES))

    return MigrationContext.configure(
        connection,
        opts={
            "target_metadata": list(metadatas),
            "include_name": include_name,
            "include_object": include_object,
            "compare_type": _other_type,
            "compare_server_default": False,
            "render_as_batch": True,
            **options,
        },
    )


def differences(connection: Connection, metadatas: Sequence[MetaData]) -> ops.UpgradeOps:
    """The operations that would bring the database to the declared tables, checks included."""
    context = comparison(connection, metadatas, {})
    upgrade = produce_migrations(context, list(metadatas)).upgrade_ops  # type: ignore[arg-type]  # takes a list too
    assert upgrade is not None  # noqa: S101  narrows: produce_migrations always makes one
    upgrade.ops.extend(check_changes(connection, metadatas))
    return upgrade


def tables_of(metadatas: Iterable[MetaData]) -> dict[str, Table]:
    """Every table that names its plane, by name. Those that do not are somebody else's."""
    everything = (table for metadata in metadatas for table in metadata.tables.values())
    return {table.name: table for table in everything if "plane" in table.info}


def checks_of(table: Table, dialect: Dialect) -> dict[str, str]:
    """The text of each named CHECK."""
    return {
        str(check.name): str(check.sqltext.compile(dialect=dialect, compile_kwargs=_AS_DDL))
        for check in table.constraints
        if isinstance(check, CheckConstraint) and check.name is not None
    }


def managed_checks(connection: Connection) -> dict[str, dict[str, str]]:
    """The tables that Mainstay made or adopted, with the checks it gave them."""
    if not inspect(connection).has_table(managed.name):
        return {}
    return {row.name: row.checks for row in connection.execute(select(managed.c.name, managed.c.checks))}


def check_changes(connection: Connection, metadatas: Sequence[MetaData]) -> list[ops.MigrateOperation]:
    """Databases rewrite a CHECK's text, so it is compared with what was written when it was made."""
    changes: list[ops.MigrateOperation] = []
    declared = tables_of(metadatas)
    for name, before in managed_checks(connection).items():
        table = declared.get(name)
        if table is None:
            continue
        after = checks_of(table, connection.dialect)
        steps: list[ops.MigrateOperation] = []
        for check, text in before.items():
            if after.get(check) != text:
                steps.append(ops.DropConstraintOp(check, name, type_="check"))
        for check, text in after.items():
            if before.get(check) != text:
                steps.append(ops.CreateCheckConstraintOp(check, name, text))
        if steps:
            changes.append(ops.ModifyTableOps(name, steps))
    return changes


def _other_type(
    context: Any, inspected: Any, declared: Any, found: TypeEngine[Any], wanted: TypeEngine[Any]
) -> bool | None:
    dialect = context.dialect
    return _spelled(found, dialect) != _spelled(wanted.dialect_impl(dialect), dialect)


def _spelled(type_: TypeEngine[Any], dialect: Dialect) -> str:
    text = dialect.type_compiler_instance.process(type_).split(" COLLATE")[0].upper()
    if dialect.name == POSTGRES:
        return {"FLOAT": "DOUBLE PRECISION", "DECIMAL": "NUMERIC"}.get(text, text)
    return text
