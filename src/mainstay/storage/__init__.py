"""Rows kept in SQLite or PostgreSQL: planned statements, tenant-scoped sessions, an outbox, migrations.

database = open_database(DatabaseOptions(url="sqlite:///shop.db"))
await database.open()
plan = compile_statement(select(books.c.title).where(sql.in_tenant(books)), database.dialect)
rows = await database.fetch(scope, plan, {})
"""
