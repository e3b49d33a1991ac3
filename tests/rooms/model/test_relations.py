"""Relations look at the tenant and never write it."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, relationship, selectinload

from mainstay.base.errors import ConfigurationError
from mainstay.model import Resource, field, link, ref
from mainstay.model.spec import describe
from tests.databases import Urls
from tests.rooms.model.tables import OTHER, TENANT, in_session, make_tables


class Base(Resource, family=True):
    __abstract__ = True


class Author(Base):
    __tablename__ = "authors"
    name: Mapped[str] = field()
    books: Mapped[list["Book"]] = relationship(back_populates="author")
    profile: Mapped["Profile | None"] = relationship(back_populates="author")


class Profile(Base):
    __tablename__ = "profiles"
    bio: Mapped[str] = field()
    author_id: Mapped[UUID | None] = ref(Author, unique=True)
    author: Mapped[Author | None] = relationship(back_populates="profile")


class Tag(Base):
    __tablename__ = "tags"
    name: Mapped[str] = field()
    books: Mapped[list["Book"]] = relationship(secondary="book_tags", back_populates="tags")


book_tags = link("book_tags", "books", "tags", metadata=Base.metadata)


class Book(Base):
    __tablename__ = "books"
    title: Mapped[str] = field()
    author_id: Mapped[UUID | None] = ref(Author)
    author: Mapped[Author | None] = relationship(back_populates="books")
    editor_id: Mapped[UUID | None] = ref("Author")
    editor: Mapped[Author | None] = relationship()
    sequel_of_id: Mapped[UUID | None] = ref("Book")
    sequel_of: Mapped["Book | None"] = relationship(back_populates="sequels")
    sequels: Mapped[list["Book"]] = relationship(back_populates="sequel_of")
    tags: Mapped[list[Tag]] = relationship(secondary=book_tags, back_populates="books")


friends = link("friends", "people", "people", left_id="person_id", right_id="friend_id", metadata=Base.metadata)


class Person(Base):
    __tablename__ = "people"
    name: Mapped[str] = field()
    likes: Mapped[list["Person"]] = relationship(secondary=friends, back_populates="liked_by")
    liked_by: Mapped[list["Person"]] = relationship(secondary=friends, back_populates="likes")


Made = dict[str, Any]


def rows(tenant: UUID) -> Made:
    return {
        "author": Author(tenant_id=tenant, name="Ada"),
        "book": Book(tenant_id=tenant, title="Engines"),
        "tag": Tag(tenant_id=tenant, name="new"),
        "profile": Profile(tenant_id=tenant, bio="…"),
        "person": Person(tenant_id=tenant, name="Grace"),
    }


ASSIGNMENTS: dict[str, Callable[[Made, Made], None]] = {
    "many-to-one": lambda mine, theirs: setattr(mine["book"], "author", theirs["author"]),
    "many-to-one, second": lambda mine, theirs: setattr(mine["book"], "editor", theirs["author"]),
    "one-to-many": lambda mine, theirs: mine["author"].books.append(theirs["book"]),
    "one-to-one": lambda mine, theirs: setattr(mine["author"], "profile", theirs["profile"]),
    "one-to-one, the other way": lambda mine, theirs: setattr(mine["profile"], "author", theirs["author"]),
    "self": lambda mine, theirs: setattr(mine["book"], "sequel_of", theirs["book"]),
    "self, the other way": lambda mine, theirs: mine["book"].sequels.append(theirs["book"]),
    "many-to-many": lambda mine, theirs: mine["book"].tags.append(theirs["tag"]),
    "many-to-many, the other way": lambda mine, theirs: mine["tag"].books.append(theirs["book"]),
    "many-to-many, self": lambda mine, theirs: mine["person"].likes.append(theirs["person"]),
}


@pytest.mark.parametrize("kind", ASSIGNMENTS)
async def test_another_tenants_object_is_refused_and_nothing_moves(kind: str, urls: Urls) -> None:
    await make_tables(urls, Base.metadata)

    def assign(session: Session) -> None:
        mine, theirs = rows(TENANT.tenant_id), rows(OTHER.tenant_id)
        session.add_all([*mine.values(), *theirs.values()])
        session.commit()
        ASSIGNMENTS[kind](mine, theirs)
        with pytest.raises(IntegrityError):
            session.flush()
        session.rollback()
        assert {row.tenant_id for row in mine.values()} == {TENANT.tenant_id}
        assert {row.tenant_id for row in theirs.values()} == {OTHER.tenant_id}

    await in_session(urls, assign)


@pytest.mark.parametrize("kind", ASSIGNMENTS)
async def test_an_object_of_the_same_tenant_is_taken(kind: str, urls: Urls) -> None:
    await make_tables(urls, Base.metadata)

    def assign(session: Session) -> None:
        mine, also_mine = rows(TENANT.tenant_id), rows(TENANT.tenant_id)
        session.add_all([*mine.values(), *also_mine.values()])
        session.commit()
        ASSIGNMENTS[kind](mine, also_mine)
        session.commit()

    await in_session(urls, assign)


async def test_related_rows_are_loaded_within_the_tenant(urls: Urls) -> None:
    await make_tables(urls, Base.metadata)

    def work(session: Session) -> None:
        one, two = rows(TENANT.tenant_id), rows(OTHER.tenant_id)
        # The same id in both tenants: only the tenant tells the authors apart.
        two["author"].id = one["author"].id = UUID(int=7)
        for made in (one, two):
            session.add(made["author"])
            session.flush()
            made["book"].author_id = made["author"].id
            session.add(made["book"])
        one["book"].tags.append(one["tag"])
        session.commit()
        session.expunge_all()
        found = session.scalars(
            select(Book).options(selectinload(Book.author), selectinload(Book.tags)).order_by(Book.tenant_id)
        ).all()
        assert [book.author.tenant_id for book in found if book.author] == [TENANT.tenant_id, OTHER.tenant_id]
        assert [[tag.name for tag in book.tags] for book in found] == [["new"], []]
        authors = session.scalars(select(Author).options(selectinload(Author.books)).order_by(Author.tenant_id)).all()
        assert [[book.tenant_id for book in author.books] for author in authors] == [
            [TENANT.tenant_id],
            [OTHER.tenant_id],
        ]

    await in_session(urls, work)


def test_no_relationship_writes_a_tenant_of_a_resource() -> None:
    Base.registry.configure()
    for mapper in Base.registry.mappers:
        for prop in mapper.relationships:
            written = {column for _, column in [*prop.synchronize_pairs, *(prop.secondary_synchronize_pairs or [])]}
            tables = {column.table for column in written if column.name == "tenant_id"}
            assert tables <= {book_tags, friends}, prop


def test_relations_are_told_as_columns() -> None:
    relations = describe(Book).relations
    assert {name: (r.kind, r.local.name, r.remote.name, r.holds_key) for name, r in relations.items()} == {
        "author": ("one", "author_id", "id", True),
        "editor": ("one", "editor_id", "id", True),
        "sequel_of": ("one", "sequel_of_id", "id", True),
        "sequels": ("many", "id", "sequel_of_id", False),
        "tags": ("link", "id", "id", False),
    }
    tags = relations["tags"]
    assert (tags.secondary, tags.secondary_local, tags.secondary_remote) == (
        book_tags,
        book_tags.c.books_id,
        book_tags.c.tags_id,
    )
    assert tags.back == "books"
    assert describe(Author).relations["books"].remote.name == "author_id"
    assert describe(Author).relations["profile"].kind == "one"
    likes, liked = describe(Person).relations["likes"], describe(Person).relations["liked_by"]
    assert (likes.secondary_local, liked.secondary_local) == (friends.c.person_id, friends.c.friend_id)


def test_a_relation_that_could_mean_two_things_refuses_to_start() -> None:
    class Odd(Resource, family=True):
        __abstract__ = True

    class Place(Odd):
        __tablename__ = "places"

    class Trip(Odd):
        __tablename__ = "trips"
        start_id: Mapped[UUID] = ref(Place)
        end_id: Mapped[UUID] = ref(Place)
        place: Mapped[Place] = relationship()

    with pytest.raises(ConfigurationError, match=r"Trip\.place could be joined with Place in 2 ways"):
        describe(Trip)


def test_a_reference_to_nothing_refuses_to_start() -> None:
    class Odd(Resource, family=True):
        __abstract__ = True

    class Orphan(Odd):
        __tablename__ = "orphans"
        parent_id: Mapped[UUID] = ref("Nobody")

    with pytest.raises(ConfigurationError, match="Orphan refers to Nobody, which is not declared"):
        describe(Orphan)


def test_a_reference_across_planes_is_kept_by_id_alone() -> None:
    class Odd(Resource, family=True):
        __abstract__ = True

    class User(Odd):
        __tablename__ = "odd_users"

    User.__table__.info["plane"] = "control"

    class Note(Odd):
        __tablename__ = "notes"
        user_id: Mapped[UUID] = ref(User)

    assert not [c for c in Note.__table__.constraints if type(c).__name__ == "ForeignKeyConstraint"]
    assert describe(Note).fields["user_id"].target is User


def test_times_are_aware() -> None:
    book = Book(title="x", created_at=datetime.now(UTC))
    assert book.created_at.tzinfo is UTC
