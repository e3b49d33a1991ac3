"""The revisions make exactly the tables that the code declares."""

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection

from mainstay.identity import SCHEMA as IDENTITY
from mainstay.storage import DatabaseOptions, open_database
from mainstay.storage.migrations import RoomSchema
from mainstay.tenancy import SCHEMA as TENANCY
from tests.databases import Urls
from tests.rooms.identity.rooms import migrated


@pytest.mark.parametrize("schema", [IDENTITY, TENANCY], ids=lambda schema: schema.name)
async def test_the_revisions_make_the_declared_tables(urls: Urls, schema: RoomSchema) -> None:
    await migrated(urls)
    names = set(schema.metadata.tables)

    def differences(connection: Connection) -> list[object]:
        def ours(thing: object, name: str | None, kind: str, reflected: bool, other: object) -> bool:
            return kind != "table" or name in names

        context = MigrationContext.configure(connection, opts={"include_object": ours, "compare_type": True})
        return list(compare_metadata(context, schema.metadata))

    database = open_database(DatabaseOptions(urls.database_url, urls.system_url))
    await database.open()
    try:
        assert await database.administer(differences, changes=False) == []
    finally:
        await database.close()
