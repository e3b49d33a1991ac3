"""The fixtures that every other test stands on."""

import asyncpg

from tests.databases import Urls


async def test_a_fresh_postgresql_database_is_reached_by_both_roles(postgresql_urls: Urls) -> None:
    for url, role in ((postgresql_urls.database_url, "mainstay_app"), (postgresql_urls.system_url, "mainstay_owner")):
        connection = await asyncpg.connect(url)
        try:
            row = await connection.fetchrow(
                "SELECT current_user::text, rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user"
            )
            assert tuple(row or ()) == (role, False, False)
        finally:
            await connection.close()


def test_both_engines_are_named(urls: Urls) -> None:
    assert urls.database_url.startswith(urls.name)
