"""Rows kept in SQLite or PostgreSQL: planned statements, tenant-scoped sessions, an outbox, migrations.

database = open_database(DatabaseOptions(url="sqlite:///shop.db"))
await database.open()
titles = compile_statement(select(books.c.title).where(sql.in_tenant(books)), database.dialect)
rows = await database.fetch(scope, titles, {})
"""

from mainstay.storage import errors, sql, types
from mainstay.storage.database import Database, open_database
from mainstay.storage.migrations import RoomSchema
from mainstay.storage.options import DatabaseOptions
from mainstay.storage.relay import Relay
from mainstay.storage.sessions import AsyncTenantSession, TenantSession
from mainstay.storage.statement import Statement, compile_statement

__all__ = [
    "AsyncTenantSession",
    "Database",
    "DatabaseOptions",
    "Relay",
    "RoomSchema",
    "Statement",
    "TenantSession",
    "compile_statement",
    "errors",
    "open_database",
    "sql",
    "types",
]
