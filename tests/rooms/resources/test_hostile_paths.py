"""Ways round the front door: sessions, links to rows out of sight, replays, tags of tables without versions."""

from collections.abc import AsyncIterator
from hashlib import sha1
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import String, Table, select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from mainstay.access import Access, Mask, anyone, role, row
from mainstay.base.errors import Invalid
from mainstay.base.tenant import DEFAULT_TENANT, TenantScope
from mainstay.model import Resource, before, check, field, link
from mainstay.resources import Records, Registry
from mainstay.resources.changes import Once
from mainstay.storage import DatabaseOptions, open_database, tables
from mainstay.storage.migrations import Plan, migrate
from tests.databases import Urls
from tests.rooms.resources.library import Book, Shelf, Tag, caller, shelf

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
        book_row = await session.get(Book, UUID(book["id"]))
        assert book_row is not None
        tags = await session.run_sync(lambda _: book_row.tags)
        tags.append(await session.get_one(Tag, UUID(tag["id"])))
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


class Guests(Resource, family=True):
    __abstract__ = True


welcomed: list[str] = []


class Guest(Guests):
    """Somebody who stays, and whose name nobody else may have."""

    __tablename__ = "guests"
    name: Mapped[str] = field(max_length=50)
    __access__ = Access(read=anyone, write=anyone)

    @before("create")
    def welcome(self) -> None:
        welcomed.append(self.name)

    @check(database=True)
    async def is_no_namesake(self, records: Any) -> None:
        if await records(Guest).exists(name=self.name):
            raise ValueError("That name is taken.")


class Room(Guests):
    """Where guests meet; some of them behind a curtain."""

    __tablename__ = "rooms"
    name: Mapped[str] = field(max_length=50)
    marks: Mapped[list["Mark"]] = relationship(secondary=lambda: room_marks)
    __access__ = Access(read=anyone, write=anyone)


class Mark(Guests):
    """A word on a room, that may be nobody's business."""

    __tablename__ = "marks"
    word: Mapped[str] = field(max_length=50)
    open: Mapped[bool] = field(default=True)
    __access__ = Access(read=row.open == True, write=role("editor"))  # noqa: E712  a rule, not a comparison


room_marks: Table = link("room_marks", Room, Mark)


@pytest.fixture
async def house(urls: Urls) -> AsyncIterator[Shelf]:
    welcomed.clear()
    async with shelf(urls, (Guest, Room, Mark), Guests) as opened:
        yield opened


async def test_a_repeated_creation_is_answered_before_hooks_and_checks_run_again(house: Shelf) -> None:
    guests, once = house.records["guests"], Once("k", "POST /guests", b"d")
    first = await guests.create(house.admin, {"name": "Ada"}, once=once)
    again = await guests.create(house.admin, {"name": "Ada"}, once=once)
    assert (again.replayed, again.body, welcomed) == (True, first.body, ["Ada"])
    with pytest.raises(Invalid):
        await guests.create(house.admin, {"name": "Ada"}, once=Once("l", "POST /guests", b"d"))


async def test_links_to_rows_out_of_sight_are_neither_guessed_nor_taken_away(house: Shelf) -> None:
    hidden = await house.create("marks", word="hidden", open=False)
    shown = await house.create("marks", word="shown")
    rooms = house.records["rooms"]
    room = await house.create("rooms", name="Hall", mark_ids=[hidden["id"], shown["id"]])
    eve = caller("user")

    async def version() -> int:
        found: int = (await house.one("rooms", room["id"]))["row_version"]
        return found

    before = await version()
    await rooms.unlink(eve, room["id"], "marks", hidden["id"])
    assert await version() == before
    await rooms.update(eve, room["id"], {"mark_ids": []})
    linked = (await house.one("rooms", room["id"], "expand=marks"))["marks"]["items"]
    assert [each["word"] for each in linked] == ["hidden"]
    await rooms.update(house.admin, room["id"], {"mark_ids": []})
    assert (await house.one("rooms", room["id"], "expand=marks"))["marks"]["items"] == []


class Legacy(DeclarativeBase):
    pass


class Worker(Legacy):
    """A table that existed before, without a version."""

    __tablename__ = "workers"
    __table_args__ = ({"info": {"plane": "tenant", "home_tenant": DEFAULT_TENANT}},)
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(40))
    pay: Mapped[int]


async def test_the_tag_of_a_row_without_version_cannot_be_reckoned_from_guesses(urls: Urls) -> None:
    database = open_database(DatabaseOptions(url=urls.database_url, system_url=urls.system_url))
    await migrate(database, Plan(app=[Legacy.metadata]))
    await database.open()
    try:
        registry = Registry()
        registry.add(Worker, Access(read=anyone, write=role("hr"), fields={"pay": Mask(read=role("hr"))}))
        workers = Records(registry, database, cursor_key=b"k" * 32)["workers"]
        made = await workers.create(caller("hr"), {"name": "Ada", "pay": 4200})
        seen = await workers.one(caller("user"), made.key)
        assert seen.version is not None
        for known in ([1, "Ada", 4200], ["Ada", 4200, 1]):
            assert sha1(repr(known).encode(), usedforsecurity=False).hexdigest()[:16] != seen.version
        # The control: the same row has the same tag, another one another.
        assert (await workers.one(caller("user"), made.key)).version == seen.version
        await workers.update(caller("hr"), made.key, {"pay": 1})
        assert (await workers.one(caller("user"), made.key)).version != seen.version
    finally:
        await database.close()
