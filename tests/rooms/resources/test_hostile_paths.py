"""Ways round the front door: sessions, links to rows out of sight, replays, tags of tables without versions."""

from typing import Any
from uuid import UUID

from sqlalchemy import select

from mainstay.base.tenant import DEFAULT_TENANT, TenantScope
from mainstay.storage import tables
from tests.rooms.resources.library import Book, Shelf, Tag

OURS = TenantScope(DEFAULT_TENANT)


async def told(library: Shelf) -> list[tuple[str, str, str]]:
    def read(connection: Any) -> list[tuple[str, str, str]]:
        t = tables.outbox
        rows = connection.execute(select(t.c.channel, t.c.action, t.c.key))
        return sorted(tuple(row) for row in rows)

    found: list[tuple[str, str, str]] = await library.database.administer(read, changes=False)
    return found


async def test_a_link_made_in_a_session_is_told_and_changes_the_version(library: Shelf) -> None:
    tag = await library.create("tags", name="sky")
    book = await library.create("books", title="Emma")
    before = await told(library)
    async with library.database.session(OURS) as session:
        row = await session.get(Book, UUID(book["id"]))
        assert row is not None
        tags = await session.run_sync(lambda _: row.tags)
        tags.append(await session.get(Tag, UUID(tag["id"])))
        await session.commit()
    linked = (await library.one("books", book["id"], "expand=tags"))["tags"]["items"]
    assert [each["name"] for each in linked] == ["sky"]
    new = await told(library)
    assert len(new) - len(before) == 1, new
    assert (await library.one("books", book["id"]))["row_version"] == 2


async def test_rows_that_go_with_a_row_deleted_in_a_session_are_told(library: Shelf) -> None:
    book = await library.create("books", title="Emma")
    chapter = await library.create("chapters", heading="One", book_id=book["id"])
    async with library.database.session(OURS) as session:
        await session.delete(await session.get(Book, UUID(book["id"])))
        await session.commit()
    assert await library.items("chapters") == []
    assert ("chapters", "deleted", chapter["id"]) in await told(library)
