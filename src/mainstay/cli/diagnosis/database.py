"""The database: whether it answers, which version it is, whether it is up to date, and who may see what in it."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, column, func, literal_column, select, table

from mainstay.assembly import Rooms
from mainstay.base.errors import MainstayError
from mainstay.cli.diagnosis.finding import Finding, fail, ok, warn

# Below this, two processes that write ahead in one file can corrupt it (see DESIGN §4).
SAFE_SQLITE = (3, 51, 3)


async def look_at_database(rooms: Rooms) -> list[Finding]:
    """Open the database, look, close it."""
    try:
        await rooms.database.open()
    except MainstayError as error:
        return [fail("database", str(error), "")]
    try:
        return [each async for each in _look(rooms)]
    finally:
        await rooms.database.close()


async def _look(rooms: Rooms) -> AsyncIterator[Finding]:
    yield ok("database", f"{rooms.database.name} answers")
    if rooms.database.name == "sqlite":
        yield _sqlite_version(str(await rooms.database.administer(_sqlite, changes=False)))
    else:
        for finding in await rooms.database.administer(_postgres(rooms), changes=False):
            yield finding
        pooler = getattr(rooms.database.engine, "pooler", None)
        if pooler is not None:
            kept = "off" if "prepared=off" in rooms.settings.database() else "on"
            yield ok("pooler", f"requests go through {pooler}; prepared statements are {kept}")
    missing = await rooms.migrations.check()
    if missing:
        yield fail("migrations", f"{len(missing)} missing: {missing[0]}", "mainstay migrate")
    else:
        yield ok("migrations", "up to date")


def _sqlite(connection: Any) -> str:
    return str(connection.execute(select(func.sqlite_version())).scalar_one())


def _sqlite_version(text: str) -> Finding:
    if tuple(int(part) for part in text.split(".")[:3]) >= SAFE_SQLITE:
        return ok("version", f"SQLite {text}")
    return warn("version", f"SQLite {text} can corrupt a file that several processes write", "pip install -U pysqlite3")


def _postgres(rooms: Rooms) -> Any:
    tables = {each.spec.model.__table__.name for each in rooms.registry}
    tables |= {t.name for each in rooms.registry for t in each.spec.model.metadata.tables.values() if t.name in tables}
    planned = sorted(tables)

    def look(connection: Any) -> list[Finding]:
        version = str(connection.execute(select(func.current_setting("server_version"))).scalar_one())
        found = [ok("version", f"PostgreSQL {version}")]
        found += _roles(connection, rooms)
        found.append(_row_security(connection, planned))
        return found

    return look


def _roles(connection: Any, rooms: Rooms) -> list[Finding]:
    name = rooms.database.app_role
    roles = table("pg_roles", column("rolname"), column("rolsuper"), column("rolbypassrls"))
    asked: Select[Any] = select(roles.c.rolsuper, roles.c.rolbypassrls).where(roles.c.rolname == name)
    row = connection.execute(asked).first()
    do = f"ALTER ROLE {name} NOSUPERUSER NOBYPASSRLS"
    if row is None:
        return [warn("role", f"cannot see the role {name}", "")]
    if row[0] or row[1]:
        return [fail("role", f"{name} steps over row security", do)]
    two = rooms.settings.database_system() is not None
    findings = [ok("role", f"{name} cannot bypass row security")]
    if not two:
        findings.append(
            warn(
                "roles",
                "requests run as the role that owns the tables",
                "Set MAINSTAY_DATABASE_SYSTEM_URL to the owner, MAINSTAY_DATABASE_URL to another role.",
            )
        )
    return findings


def _row_security(connection: Any, planned: Sequence[str]) -> Finding:
    tables = table(
        "pg_class", column("relname"), column("relrowsecurity"), column("relforcerowsecurity"), column("relnamespace")
    )
    here: ColumnElement[Any] = literal_column("current_schema()::regnamespace")
    asked = select(tables.c.relname, tables.c.relrowsecurity, tables.c.relforcerowsecurity).where(
        tables.c.relname.in_(planned), tables.c.relnamespace == here
    )
    bare = sorted(row[0] for row in connection.execute(asked) if not (row[1] and row[2]))
    if bare:
        return fail("row security", f"not forced on {', '.join(bare[:5])}", "mainstay migrate")
    return ok("row security", f"forced on {len(planned)} tables")
