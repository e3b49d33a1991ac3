"""Migrations: rooms by their chains, the app's tables by what they lack, or by its committed revisions."""

import asyncio
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from sqlalchemy import (
    Column,
    ForeignKeyConstraint,
    Index,
    MetaData,
    Table,
    UniqueConstraint,
    bindparam,
    insert,
    inspect,
    select,
)

from mainstay.base.errors import ConfigurationError
from mainstay.base.ids import uuid7
from mainstay.storage import Database, DatabaseOptions, compile_statement, errors, open_database, sql
from mainstay.storage import types as t
from mainstay.storage.migrations import (
    STORAGE,
    Plan,
    RoomSchema,
    check,
    downgrade,
    migrate,
    offline_sql,
    upgrade,
    write_revision,
)
from mainstay.storage.migrations.compare import comparison
from mainstay.storage.statement import Script
from tests.databases import Urls
from tests.rooms.storage.shelf import tenant


class Two(StrEnum):
    a = "a"
    b = "b's"


class Three(StrEnum):
    a = "a"
    b = "b's"
    c = "c"


def declared(*more: Any, status: type[StrEnum] = Two, search: tuple[str, ...] = ("title",)) -> MetaData:
    """An app's tables at one point of its history."""
    metadata = MetaData()
    Table(
        "authors",
        metadata,
        Column("tenant_id", t.UuidText(), primary_key=True),
        Column("id", t.UuidText(), primary_key=True),
        info={"plane": "tenant", "rid": True},
    )
    Table(
        "books",
        metadata,
        Column("tenant_id", t.UuidText(), primary_key=True),
        Column("id", t.UuidText(), primary_key=True),
        Column("title", t.Text8(), nullable=False),
        Column("price", t.ScaledDecimal()),
        Column("status", t.EnumText(status)),
        UniqueConstraint("tenant_id", "title", name="uq_books_title"),
        Index("ix_books_price", "tenant_id", "price"),
        *more,
        info={"plane": "tenant", "rid": True, "search": search},
    )
    return metadata


def grown() -> MetaData:
    return declared(
        Column("pages", t.Integer64(), nullable=False, default=7),
        Column("fresh", t.Boolean(), nullable=False, default=True),
        Column("cost", t.ScaledDecimal(), nullable=False, default=1),
        Column("author_id", t.UuidText()),
        ForeignKeyConstraint(
            ["tenant_id", "author_id"], ["authors.tenant_id", "authors.id"], name="fk_books_author_id"
        ),
        Index("ix_books_author_id", "tenant_id", "author_id"),
        status=Three,
        search=("title", "status"),
    )


def opened(urls: Urls) -> Database:
    return open_database(DatabaseOptions(urls.database_url, urls.system_url))


async def add(database: Database, metadata: MetaData, title: str, **values: Any) -> None:
    books = metadata.tables["books"]
    named = {name: bindparam(name, type_=books.c[name].type) for name in ("id", "title", *values)}
    statement = compile_statement(insert(books).values(tenant_id=sql.TENANT, **named), database.dialect)

    def script() -> Script[None]:
        yield statement, {"id": uuid7(), "title": title, **values}

    await database.write(SCOPE, script())


async def rows(database: Database, metadata: MetaData, columns: Sequence[str], **found: str) -> list[tuple[Any, ...]]:
    books = metadata.tables["books"]
    element = select(*(books.c[name] for name in columns)).where(sql.in_tenant(books)).order_by(books.c.title)
    if found:
        element = element.where(sql.matches(books, "words"))
    statement = compile_statement(element, database.dialect)
    return statement.read(await database.fetch(SCOPE, statement, found))


SCOPE = tenant()
POSTGRES_ONLY = {"xid", "ix_mainstay_outbox_waiting"}


async def test_an_empty_database_gets_every_table_and_a_second_run_does_nothing(urls: Urls) -> None:
    database, plan = opened(urls), Plan(app=[declared()])
    assert await check(database, plan)
    done = await migrate(database, plan)
    assert "create table books" in done
    assert await check(database, plan) == []
    assert await migrate(database, plan) == []


async def test_what_adds_is_done_and_the_rows_stay(urls: Urls) -> None:
    database, before, after = opened(urls), declared(), grown()
    await migrate(database, Plan(app=[before]))
    await database.open()
    try:
        await add(database, before, "One")
        with pytest.raises(errors.CheckFailed):
            await add(database, declared(status=Three), "Two", status="c")
        assert await check(database, Plan(app=[after]))
        await migrate(database, Plan(app=[after]))
        assert await check(database, Plan(app=[after])) == []
        assert await rows(database, after, ["title", "pages", "fresh", "cost"]) == [("One", 7, True, 1)]
        await add(database, after, "Two", pages=1, fresh=False, cost=2, status="c")
        assert await rows(database, after, ["title"], words="one") == [("One",)]
        assert await rows(database, after, ["title"], words="c") == [("Two",)]
        with pytest.raises(errors.UniqueClash):
            await add(database, after, "One", pages=1, fresh=False, cost=2)
        with pytest.raises(errors.ReferenceMissing):
            await add(database, after, "Three", pages=1, fresh=False, cost=2, author_id=uuid7())
    finally:
        await database.close()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda: _without("books", "price"), "books.price is no longer declared"),
        (lambda: _retyped(), "would change its type"),
        (lambda: declared(Column("isbn", t.Text8(), nullable=False)), "required and has no default"),
        (lambda: _dropped("books"), "books is no longer declared"),
    ],
)
async def test_what_loses_is_refused_in_a_sentence_and_changes_nothing(urls: Urls, change: Any, said: str) -> None:
    database, before = opened(urls), declared()
    await migrate(database, Plan(app=[before]))
    await database.open()
    try:
        await add(database, before, "One")
        with pytest.raises(ConfigurationError, match=said) as refused:
            await migrate(database, Plan(app=[change()]))
        assert "mainstay migrate --write" in refused.value.fix
        assert await check(database, Plan(app=[before])) == []
    finally:
        await database.close()


async def test_rows_that_break_a_new_rule_refuse_the_migration(urls: Urls) -> None:
    database, before = opened(urls), declared(status=Three)
    await migrate(database, Plan(app=[before]))
    await database.open()
    try:
        await add(database, before, "One", status="c")
        with pytest.raises(ConfigurationError, match="break a new rule"):
            await migrate(database, Plan(app=[declared(status=Two)]))
        assert await check(database, Plan(app=[before])) == []
    finally:
        await database.close()


async def test_two_that_migrate_at_once_do_it_once(urls: Urls) -> None:
    first, second, plan = opened(urls), opened(urls), Plan(app=[declared()])
    done = await asyncio.gather(migrate(first, plan), migrate(second, plan))
    assert sorted(map(bool, done)) == [False, True]


async def test_an_app_with_a_folder_follows_its_committed_revisions_only(urls: Urls, tmp_path: Path) -> None:
    database, folder = opened(urls), tmp_path / "migrations"
    first, second = Plan(app=[declared()], folder=folder), Plan(app=[grown()], folder=folder)
    path = await write_revision(database, first, "First tables")
    assert path is not None
    assert path.name == "0001_first_tables.py"
    assert await migrate(database, first)
    assert await check(database, first) == []
    assert await write_revision(database, first, "Nothing") is None
    await database.open()
    try:
        await add(database, declared(), "One", status="b's")
        # Declared, but not committed: migrate leaves the tables alone. The text index follows what is there.
        assert await migrate(database, second) == ["index the text of books"]
        assert await check(database, second)
        assert await write_revision(database, second, "More fields") is not None
        assert await check(database, second) != []
        await migrate(database, second)
        assert await check(database, second) == []
        assert await rows(database, grown(), ["title", "pages", "fresh", "cost"]) == [("One", 7, True, 1)]
        await downgrade(database, second)
        assert await rows(database, declared(), ["title", "status"]) == [("One", Two.b)]
        assert await rows(database, declared(), ["title"], words="one") == [("One",)]
        assert await upgrade(database, second)
        assert await check(database, second) == []
        await downgrade(database, second, "base")
        names = await database.administer(lambda connection: inspect(connection).get_table_names(), changes=False)
        assert "books" not in names
    finally:
        await database.close()


async def test_a_chain_that_branched_is_refused(sqlite_urls: Urls, tmp_path: Path) -> None:
    database, plan = opened(sqlite_urls), Plan(app=[declared()], folder=tmp_path)
    path = await write_revision(database, plan, "First")
    assert path is not None
    twin = path.read_text().replace("revision = '0001", "revision = 'twin")
    path.with_name("0002_twin.py").write_text(twin)
    with pytest.raises(ConfigurationError, match="branched"):
        await migrate(database, plan)


async def test_sql_for_an_administrator_makes_the_same_tables(postgresql_urls: Urls, tmp_path: Path) -> None:
    database, plan = opened(postgresql_urls), Plan(app=[declared()], folder=tmp_path)
    await write_revision(database, plan, "First")
    text = await offline_sql(database, plan)
    assert "CREATE TABLE books" in text
    assert "FORCE ROW LEVEL SECURITY" in text
    await database.administer(lambda connection: _run_each(connection, text))
    assert await check(database, plan) == []
    assert await migrate(database, plan) == []


async def test_a_room_carries_its_own_chain_and_version_table(urls: Urls, tmp_path: Path) -> None:
    (tmp_path / "0001_notes.py").write_text(
        '"""Notes."""\nimport sqlalchemy as sa\nfrom alembic import op\n'
        'revision = "notes_1"\ndown_revision = None\n\n'
        'def upgrade():\n    op.create_table("mainstay_notes", sa.Column("id", sa.Integer, primary_key=True))\n'
    )
    metadata = MetaData()
    Table("mainstay_notes", metadata, Column("id", t.Integer64(), primary_key=True), info={"plane": "control"})
    database, plan = opened(urls), Plan(rooms=[RoomSchema("notes", metadata, tmp_path)])
    assert "notes notes_1: Notes." in await migrate(database, plan)
    names = await database.administer(lambda connection: inspect(connection).get_table_names(), changes=False)
    assert {"mainstay_notes", "mainstay_notes_version", STORAGE.version_table} <= set(names)
    assert await migrate(database, plan) == []


async def test_the_rooms_own_tables_are_as_its_declaration_says(urls: Urls) -> None:

    database = opened(urls)
    await migrate(database, Plan())

    def work(connection: Any) -> list[Any]:
        found = compare_metadata(comparison(connection, [STORAGE.metadata], {}), STORAGE.metadata)
        return [each for each in found if getattr(each[-1], "name", "") not in POSTGRES_ONLY]

    assert await database.administer(work, changes=False) == []


def _without(table: str, column: str) -> MetaData:
    metadata = declared()
    found = metadata.tables[table]
    for index in [index for index in found.indexes if column in index.columns]:
        found.indexes.discard(index)
    found._columns.remove(found.c[column])
    return metadata


def _retyped() -> MetaData:
    metadata = declared()
    metadata.tables["books"].c.price.type = t.Text8()
    return metadata


def _dropped(table: str) -> MetaData:
    metadata = declared()
    metadata.remove(metadata.tables[table])
    return metadata


def _run_each(connection: Any, text: str) -> None:
    for statement in text.split(";\n"):
        bare = "\n".join(line for line in statement.splitlines() if not line.startswith("--")).strip()
        if bare:
            connection.exec_driver_sql(bare)
