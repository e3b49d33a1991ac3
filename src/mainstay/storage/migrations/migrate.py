"""Bringing a database up to date: rooms by their chains, the app's tables by additive differences or its own chain.

Everything happens in one transaction under the database's lock, on the role that owns the tables.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, MetaData, Table, delete, insert, inspect

from mainstay.base.errors import ConfigurationError
from mainstay.storage import tables
from mainstay.storage.database import Database
from mainstay.storage.migrations.additive import add_missing, flat, loss, told
from mainstay.storage.migrations.chain import Chain
from mainstay.storage.migrations.compare import checks_of, differences, managed_checks, tables_of
from mainstay.storage.migrations.expectations import expect_growth
from mainstay.storage.migrations.fences import fence, fence_statements, grant_statement
from mainstay.storage.migrations.fulltext import index_text, tsvector_statements
from mainstay.storage.migrations.keysets import index_orders, order_statements
from mainstay.storage.migrations.schema import RoomSchema
from mainstay.storage.orders import declared_orders
from mainstay.storage.sql import TENANT_PLANE, plane
from mainstay.storage.types import POSTGRES

STORAGE = RoomSchema("storage", tables.metadata, Path(__file__).parent / "versions")
APP_VERSION = "mainstay_app_version"


@dataclass(frozen=True, slots=True)
class Plan:
    """What a database should hold: the rooms' tables, the app's, and its folder of revisions where it has one."""

    rooms: Sequence[RoomSchema] = ()
    app: Sequence[MetaData] = ()
    folder: Path | None = None

    @property
    def chains(self) -> list[tuple[str, Chain]]:
        """The rooms' chains, storage's first, by name."""
        rooms = [STORAGE, *(room for room in self.rooms if room.name != STORAGE.name)]
        return [(room.name, Chain(room.versions_folder, room.version_table)) for room in rooms]

    @property
    def app_chain(self) -> Chain | None:
        """The app's own chain; None where it has no folder of revisions."""
        if self.folder is None or not (self.folder / "versions").is_dir():
            return None
        return Chain(self.folder / "versions", APP_VERSION)

    @property
    def app_tables(self) -> dict[str, Table]:
        return tables_of(self.app)

    @property
    def all_tables(self) -> list[Table]:
        everything = [STORAGE.metadata, *(room.metadata for room in self.rooms), *self.app]
        return list(tables_of(everything).values())


async def migrate(database: Database, plan: Plan) -> list[str]:
    """Bring the database up to date; answers what was done, in sentences.

    Raises ConfigurationError, with nothing changed, for differences that would lose something.
    """
    role = database.app_role

    def work(connection: Connection) -> list[str]:
        done = [f"{name} {step}" for name, chain in plan.chains for step in chain.upgrade(connection)]
        chain = plan.app_chain
        if chain is not None:
            done += [f"app {step}" for step in chain.upgrade(connection)]
        elif plan.app:
            done += add_missing(connection, plan.app)
        return done + _finish(connection, plan, role)

    return await database.administer(work)


async def check(database: Database, plan: Plan) -> list[str]:
    """What is missing, in sentences; empty when the database is up to date. Changes nothing."""

    def work(connection: Connection) -> list[str]:
        missing = [f"{name} {step}" for name, chain in plan.chains for step in chain.pending(connection)]
        chain = plan.app_chain
        if chain is not None:
            missing += [f"app {step}" for step in chain.pending(connection)]
        if not missing and plan.app:
            declared = plan.app_tables
            for step in flat(differences(connection, plan.app)):
                missing.append(loss(connection, step, declared) or told(step))
        return missing

    return await database.administer(work, changes=False)


async def upgrade(database: Database, plan: Plan, target: str = "head") -> list[str]:
    """Run the app's committed revisions up to `target`."""
    role = database.app_role

    def work(connection: Connection) -> list[str]:
        return _require_chain(plan).upgrade(connection, target) + _finish(connection, plan, role)

    return await database.administer(work)


async def downgrade(database: Database, plan: Plan, target: str = "-1") -> None:
    """Take the app's revisions back to `target` (`-1`, a revision, `base`). The code must go back too."""

    def work(connection: Connection) -> None:
        _require_chain(plan).downgrade(connection, target)
        _note_managed(connection, plan)

    await database.administer(work)


async def offline_sql(database: Database, plan: Plan) -> str:
    """The SQL of every revision from nothing to now, for a database that somebody else migrates."""
    parts = []
    chains = plan.chains + ([("app", plan.app_chain)] if plan.app_chain is not None else [])
    for name, chain in chains:
        parts.append(f"-- {name}\n{chain.offline(database.dialect, None)}")
    if database.dialect.name == POSTGRES:
        quote = database.dialect.identifier_preparer.quote
        owner, role = database.owner_role or "mainstay_owner", database.app_role
        for table in plan.all_tables:
            statements = tsvector_statements(table, quote) if table.info.get("search") else []
            for order in declared_orders(table):
                statements += order_statements(table, order, POSTGRES, quote)
            if plane(table) == TENANT_PLANE:
                statements += fence_statements(table, owner, quote)
                statements += [grant_statement(table, role, quote)] if role and role != owner else []
            parts += [f"{statement};\n" for statement in statements]
    return "\n".join(parts)


def _require_chain(plan: Plan) -> Chain:
    chain = plan.app_chain
    if chain is None:
        raise ConfigurationError(
            "This app has no folder of revisions.", fix="Write the first one: mainstay migrate --write 'first tables'."
        )
    return chain


def _finish(connection: Connection, plan: Plan, app_role: str | None) -> list[str]:
    """Row security, grants and full-text follow the tables, however those came to be."""
    present = set(inspect(connection).get_table_names())
    there = [table for table in plan.all_tables if table.name in present]
    done = [f"index the text of {name}" for name in index_text(connection, there)]
    done += [f"index the order {name}" for name in index_orders(connection, there)]
    expect_growth(connection, [table for table in there if table.name in plan.app_tables])
    if connection.dialect.name == POSTGRES:
        done += [f"row security on {name}" for name in fence(connection, there, app_role)]
    _note_managed(connection, plan)
    return done


def _note_managed(connection: Connection, plan: Plan) -> None:
    present = set(inspect(connection).get_table_names())
    known = managed_checks(connection)
    for name, table in plan.app_tables.items():
        checks = checks_of(table, connection.dialect)
        if name in present and known.get(name) != checks:
            connection.execute(delete(tables.managed).where(tables.managed.c.name == name))
            connection.execute(insert(tables.managed).values(name=name, checks=checks))
    for name in known.keys() - present:
        connection.execute(delete(tables.managed).where(tables.managed.c.name == name))
