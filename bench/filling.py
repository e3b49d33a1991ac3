"""Fills Mainstay's tables by the hundred thousand rows, in SQL, with keys that can be worked out again."""

import sqlite3
from dataclasses import dataclass

import asyncpg
from pysqlite3 import dbapi2  # type: ignore[import-untyped]  # ships no types
from sqlalchemy.engine import make_url

from bench.app import Post
from mainstay.storage import DatabaseOptions, open_database
from mainstay.storage.migrations import Plan, migrate

BODY = "lorem ipsum dolor sit amet " * 4


@dataclass(frozen=True)
class Shape:
    """Tenants 0 to `big` - 1 with `big_rows` rows each, and `small` more with `small_rows`."""

    big: int
    big_rows: int
    small: int = 0
    small_rows: int = 0


SMALL = Shape(10, 1_000)
LARGE = Shape(10, 50_000, 10_000, 50)


def tenant_of(number: int) -> str:
    return f"00000000-0000-7000-8000-{number:012x}"


def user_of(tenant: int, number: int) -> str:
    return f"00000000-0000-7000-9000-{tenant * 16 + number:012x}"


def key_of(tenant: int, number: int) -> str:
    """The key of the row with this number among its tenant's: rows of all tenants lie mixed, as they would in time."""
    return f"{26_000_000 + number:08x}-0000-7000-8000-{tenant:012x}"


class Filling:
    """One database, migrated and filled."""

    def __init__(self, url: str, system_url: str | None) -> None:
        self.url, self.system_url = url, system_url

    async def fill(self, shape: Shape) -> None:
        database = open_database(DatabaseOptions(url=self.url, system_url=self.system_url))
        await migrate(database, Plan(app=[Post.metadata]))
        groups = [(0, shape.big, shape.big_rows), (shape.big, shape.small, shape.small_rows)]
        if self.url.startswith("sqlite"):
            for first, tenants, rows in groups:
                self._sqlite(first, tenants, rows)
        else:
            await self._postgresql(groups)

    def _sqlite(self, first: int, tenants: int, rows: int) -> None:
        connection: sqlite3.Connection = dbapi2.connect(str(make_url(self.url).database))
        connection.execute("PRAGMA synchronous=OFF")
        connection.execute("PRAGMA cache_size=-200000")
        # Row by row of all tenants in turn, as they would come in time.
        connection.execute(
            """
            WITH RECURSIVE n(i) AS (SELECT 0 WHERE :count > 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < :count)
            INSERT INTO posts (tenant_id, id, title, body, author_id, status, created_at, updated_at, row_version)
            SELECT printf('00000000-0000-7000-8000-%012x', :first + i % :tenants),
                printf('%08x-0000-7000-8000-%012x', 26000000 + i / :tenants, :first + i % :tenants),
                'post number ' || i, :body,
                printf('00000000-0000-7000-9000-%012x', (:first + i % :tenants) * 16 + (i / :tenants) % 10),
                'published', '2026-01-01T00:00:00.000000Z', '2026-01-01T00:00:00.000000Z', 1
            FROM n
            """,
            {"count": tenants * rows, "first": first, "tenants": max(tenants, 1), "body": BODY},
        )
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        connection.close()

    async def _postgresql(self, groups: list[tuple[int, int, int]]) -> None:
        connection = await asyncpg.connect(self.system_url)
        await connection.execute("BEGIN")
        await connection.execute("SELECT set_config('mainstay.system', 'on', true)")
        for first, tenants, rows in groups:
            if tenants:
                await connection.execute(
                    """
                    INSERT INTO posts
                        (tenant_id, id, title, body, author_id, status, created_at, updated_at, row_version)
                    SELECT ('00000000-0000-7000-8000-' || lpad(to_hex($1 + i % $2), 12, '0'))::uuid,
                        (lpad(to_hex(26000000 + i / $2), 8, '0') || '-0000-7000-8000-'
                            || lpad(to_hex($1 + i % $2), 12, '0'))::uuid,
                        'post number ' || i, $4::text,
                        ('00000000-0000-7000-9000-' || lpad(to_hex(($1 + i % $2) * 16 + (i / $2) % 10), 12, '0'))::uuid,
                        'published', '2026-01-01', '2026-01-01', 1
                    FROM generate_series(0, $3::int - 1) AS i
                    """,
                    first, tenants, tenants * rows, BODY,
                )  # fmt: skip
        await connection.execute("COMMIT")
        await connection.execute("VACUUM ANALYZE posts")
        await connection.close()
