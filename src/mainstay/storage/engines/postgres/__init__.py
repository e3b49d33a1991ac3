"""PostgreSQL through asyncpg: two roles, prepared statements, row security in the statement's own round trip."""

from mainstay.storage.engines.postgres.engine import PostgreSQL

__all__ = ["PostgreSQL"]
