"""The second net: ORM sessions hold to one tenant. The eight known leaks of loader criteria, each with its control."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import ForeignKeyConstraint, MetaData, and_, delete, func, insert, inspect, select, text, update
from sqlalchemy.exc import IntegrityError, InvalidRequestError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, joinedload, mapped_column, relationship, selectinload

from mainstay.base.actor import Actor
from mainstay.base.context import Caller, acting
from mainstay.base.errors import TenantViolation, Unavailable
from mainstay.base.ids import uuid7
from mainstay.storage import Database, DatabaseOptions, compile_statement, open_database
from mainstay.storage.migrations import Plan, migrate
from mainstay.storage.sql import unsafe
from mainstay.storage.tables import outbox
from mainstay.storage.types import Integer64, Text8, UuidText
from tests.databases import Urls
from tests.rooms.storage.shelf import SYSTEM, tenant


class Base(DeclarativeBase):
    metadata = MetaData()


class Author(Base):
    __tablename__ = "authors"
    __table_args__ = ({"info": {"plane": "tenant", "rid": True}},)
    tenant_id: Mapped[UUID] = mapped_column(UuidText(), primary_key=True)
    id: Mapped[UUID] = mapped_column(UuidText(), primary_key=True, default=uuid7)
    name: Mapped[str] = mapped_column(Text8())
    row_version: Mapped[int] = mapped_column(Integer64(), default=1)
    books: Mapped[list["Book"]] = relationship(
        back_populates="author",
        primaryjoin=lambda: and_(Author.tenant_id == Book.tenant_id, Author.id == Book.author_id),
        foreign_keys=lambda: Book.author_id,
    )


class Book(Base):
    __tablename__ = "books"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "author_id"], ["authors.tenant_id", "authors.id"]),
        {"info": {"plane": "tenant", "rid": True}},
    )
    tenant_id: Mapped[UUID] = mapped_column(UuidText(), primary_key=True)
    id: Mapped[UUID] = mapped_column(UuidText(), primary_key=True, default=uuid7)
    title: Mapped[str] = mapped_column(Text8())
    author_id: Mapped[UUID | None] = mapped_column(UuidText())
    row_version: Mapped[int] = mapped_column(Integer64(), default=1)
    author: Mapped[Author | None] = relationship(
        back_populates="books",
        primaryjoin=lambda: and_(Author.tenant_id == Book.tenant_id, Author.id == Book.author_id),
        foreign_keys=lambda: Book.author_id,
    )


MINE, OTHER = tenant(), tenant()


@asynccontextmanager
async def shop(urls: Urls, **options: Any) -> AsyncIterator[tuple[Database, dict[str, UUID]]]:
    """A database with one author and one book of each tenant."""
    database = open_database(DatabaseOptions(urls.database_url, urls.system_url, **options))
    await migrate(database, Plan(app=[Base.metadata]))
    await database.open()
    keys = {}
    try:
        for name, scope in (("mine", MINE), ("other", OTHER)):
            async with database.session(scope) as session:
                author = Author(name=name)
                session.add(Book(title=name, author=author))
                await session.commit()
                keys[name] = author.id
        yield database, keys
    finally:
        await database.close()


async def changes(database: Database) -> list[tuple[Any, ...]]:
    statement = compile_statement(
        select(outbox.c.channel, outbox.c.action, outbox.c.key, outbox.c.row_version).order_by(outbox.c.seq),
        database.dialect,
        system=True,
    )
    return [tuple(row) for row in await database.fetch(SYSTEM, statement, {})]


async def test_every_way_to_select_sees_the_tenants_rows_only(urls: Urls) -> None:
    async with shop(urls) as (database, keys), database.session(MINE) as session:
        for statement in (
            select(Author.name),
            select(Author.name).join(Author.books),
            select(Author.name).outerjoin(Author.books),
            select(Author.name).where(Author.books.any(Book.title != "none")),
            select(Author.name).where(Author.id.in_(select(Book.author_id))),
            select(select(Author.name).cte("named").c.name),
            select(Author.name).union(select(Book.title)),
        ):
            assert (await session.scalars(statement)).all() == ["mine"], str(statement)
        assert await session.scalar(select(func.count()).select_from(Author)) == 1
        (author,) = (await session.scalars(select(Author).options(joinedload(Author.books)))).unique()
        (book,) = (await session.scalars(select(Book).options(selectinload(Book.author)))).all()
        assert (author.books, book.author) == ([book], author)
        assert await session.get(Author, keys["mine"]) is author
        assert await session.get(Author, keys["other"]) is None
        assert await session.get(Author, (OTHER.tenant_id, keys["other"])) is None


async def test_core_and_text_go_through_unsafe_only(urls: Urls) -> None:
    async with shop(urls) as (database, _), database.session(MINE) as session:
        for statement in (
            select(Author.__table__),
            text("SELECT name FROM authors"),
            select(Author).from_statement(text("SELECT * FROM authors")),
            select(Author).where(text("1 = 1 OR 1 = 1")),
            select(Author.name, Book.__table__.c.title),
            unsafe("SELECT name FROM authors"),
            delete(inspect(Author).local_table),  # type: ignore[arg-type]  # a Table
        ):
            with pytest.raises(TenantViolation):
                await session.execute(statement)
        with pytest.raises(TenantViolation):
            session.sync_session.connection()
        named = unsafe("SELECT name FROM authors WHERE tenant_id = :tenant AND name = :name")
        rows = await session.execute(named, {"name": "mine"})
        assert rows.all() == [("mine",)]


async def test_an_object_of_another_tenant_never_enters_by_the_identity_map_or_refresh(urls: Urls) -> None:
    async with shop(urls) as (database, keys):
        async with database.session(OTHER) as theirs:
            author = await theirs.get(Author, keys["other"])
            assert author is not None
        async with database.session(MINE) as session:

            def enter(sync: Session, way: str) -> None:
                getattr(sync, way)(author)
                sync.flush()

            for way in ("add", "merge", "delete"):
                with pytest.raises(TenantViolation):
                    await session.run_sync(enter, way)
                await session.rollback()
                session.expunge_all()
            with pytest.raises(InvalidRequestError):
                await session.refresh(author)
            assert await session.get(Author, keys["other"]) is None


async def test_another_tenants_id_is_refused_on_insert(urls: Urls) -> None:
    async with shop(urls) as (database, _), database.session(MINE) as session:
        with pytest.raises(TenantViolation):
            session.add(Author(name="smuggled", tenant_id=OTHER.tenant_id))
        late = Author(name="smuggled")
        session.add(late)
        late.tenant_id = OTHER.tenant_id
        with pytest.raises(TenantViolation):
            await session.flush()
        await session.rollback()
        with pytest.raises(TenantViolation):
            await session.execute(insert(Author), [{"name": "smuggled", "tenant_id": OTHER.tenant_id}])
        await session.execute(insert(Author), [{"name": "ours"}])
        await session.commit()
        assert await session.scalar(select(func.count()).select_from(Author)) == 2


async def test_a_row_cannot_be_moved_to_another_tenant(urls: Urls) -> None:
    async with shop(urls) as (database, keys), database.session(MINE) as session:
        author = await session.get(Author, keys["mine"])
        assert author is not None
        author.tenant_id = OTHER.tenant_id
        with pytest.raises(TenantViolation):
            await session.flush()
        await session.rollback()
        with pytest.raises(TenantViolation):
            await session.execute(update(Author).values(tenant_id=OTHER.tenant_id))


async def test_a_bulk_update_by_primary_key_is_refused(urls: Urls) -> None:
    async with shop(urls) as (database, keys), database.session(MINE) as session:
        rows = [{"tenant_id": OTHER.tenant_id, "id": keys["other"], "name": "stolen"}]
        with pytest.raises(TenantViolation):
            await session.execute(update(Author), rows)
        for bulk in ("bulk_update_mappings", "bulk_insert_mappings"):
            with pytest.raises(TenantViolation):
                await session.run_sync(lambda sync, bulk=bulk: getattr(sync, bulk)(Author, rows))  # type: ignore[misc]  # as above


async def test_a_reference_to_another_tenants_row_is_refused(urls: Urls) -> None:
    async with shop(urls) as (database, keys), database.session(MINE) as session:
        session.add(Book(title="x", author_id=keys["other"]))
        with pytest.raises(IntegrityError):
            await session.flush()
        await session.rollback()
        session.add(Book(title="x", author_id=keys["mine"]))
        await session.commit()


async def test_bulk_changes_stay_in_the_tenant_bump_the_version_and_are_announced(urls: Urls) -> None:
    async with shop(urls) as (database, keys):
        async with database.session(MINE) as session:
            await session.execute(update(Author).values(name="renamed"))
            await session.execute(delete(Book).where(Book.title.like("%")))
            await session.commit()
        async with database.session(OTHER) as session:
            author = await session.get(Author, keys["other"])
            assert author is not None
            assert (author.name, author.row_version) == ("other", 1)
            assert await session.scalar(select(func.count()).select_from(Book)) == 1
        async with database.session(MINE) as session:
            author = await session.get(Author, keys["mine"])
            assert author is not None
            assert (author.name, author.row_version) == ("renamed", 2)
        assert (await changes(database))[4:] == [("authors", "changed", "", 0), ("books", "changed", "", 0)]


async def test_each_flushed_change_is_recorded_once_with_its_caller(urls: Urls) -> None:
    async with shop(urls) as (database, keys):
        user = uuid7()
        with acting(Caller(Actor(user_id=user), MINE, "r-1")):
            async with database.session(MINE) as session:
                author = await session.get(Author, keys["mine"])
                assert author is not None
                author.name = "mine"  # no change
                await session.flush()
                author.name = "changed"
                await session.flush()
                author.name = "again"
                extra = Author(name="extra")
                session.add(extra)
                await session.flush()
                await session.delete(extra)
                await session.commit()
                key, gone = str(author.id), str(extra.id)
        assert (await changes(database))[4:] == [
            ("authors", "updated", key, 2),
            ("authors", "created", gone, 1),
            ("authors", "updated", key, 3),
            ("authors", "deleted", gone, 1),
        ] or (await changes(database))[4:] == [
            ("authors", "updated", key, 2),
            ("authors", "updated", key, 3),
            ("authors", "created", gone, 1),
            ("authors", "deleted", gone, 1),
        ]
        who = compile_statement(
            select(outbox.c.actor_id, outbox.c.request_id).order_by(outbox.c.seq.desc()).limit(1),
            database.dialect,
            system=True,
        )
        assert who.read(await database.fetch(SYSTEM, who, {})) == [(user, "r-1")]


async def test_what_is_rolled_back_is_not_recorded(urls: Urls) -> None:
    async with shop(urls) as (database, _), database.session(MINE) as session:
        session.add(Author(name="gone"))
        await session.flush()
        await session.rollback()
        async with session.begin_nested():
            session.add(Author(name="kept"))
        undone = await session.begin_nested()
        session.add(Author(name="undone"))
        await session.flush()
        await undone.rollback()
        await session.commit()
        names = (await session.scalars(select(Author.name).order_by(Author.name))).all()
        assert names == ["kept", "mine"]
        assert len(await changes(database)) == 5


async def test_a_synchronous_session_keeps_the_same_rules(urls: Urls) -> None:
    async with shop(urls) as (database, keys):

        def work() -> list[str]:
            with database.sync_session(MINE) as session:
                author = session.get(Author, keys["mine"])
                assert author is not None
                author.name = "synchronous"
                session.commit()
                with pytest.raises(TenantViolation):
                    session.execute(text("SELECT 1"))
                assert session.get(Author, keys["other"]) is None
                return list(session.scalars(select(Author.name)))

        assert await asyncio.to_thread(work) == ["synchronous"]
        assert (await changes(database))[-1] == ("authors", "updated", str(keys["mine"]), 2)


async def test_a_session_takes_the_writers_lock_at_its_first_flush_and_lets_go_at_the_end(sqlite_urls: Urls) -> None:
    async with shop(sqlite_urls, lock_timeout=0.2) as (database, _):
        first, second = database.session(MINE), database.session(MINE)
        async with first, second:
            await first.scalars(select(Author))
            first.add(Author(name="first"))
            await first.flush()
            # Others read on, and see nothing yet; who wants to write waits for its turn.
            assert await second.scalar(select(func.count()).select_from(Author)) == 1
            second.add(Author(name="second"))
            with pytest.raises(Unavailable):
                await second.flush()
            await second.rollback()
            await first.commit()
            second.add(Author(name="second"))
            await second.commit()
            assert await second.scalar(select(func.count()).select_from(Author)) == 3


async def test_sessions_and_planned_writes_take_turns(sqlite_urls: Urls) -> None:
    async with shop(sqlite_urls) as (database, _):

        async def one(number: int) -> None:
            async with database.session(MINE) as session:
                session.add(Author(name=str(number)))
                await session.commit()

        await asyncio.gather(*(one(number) for number in range(20)))
        async with database.session(MINE) as session:
            assert await session.scalar(select(func.count()).select_from(Author)) == 21


async def test_a_system_session_sees_every_tenant(urls: Urls) -> None:
    async with shop(urls) as (database, _), database.session(SYSTEM) as session:
        assert sorted((await session.scalars(select(Author.name))).all()) == ["mine", "other"]
