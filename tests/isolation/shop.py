"""An app with every kind of relation, whose access rules let everybody signed in do everything.

So that only the tenant stands between a caller and another tenant's rows.
"""

from uuid import UUID

from sqlalchemy.orm import Mapped, relationship

from mainstay import Access, Mainstay, Resource, field, owned, ref, signed_in
from mainstay.model import Options, count_of, link


class Shelf(Resource, family=True):
    """A family of tables of their own."""

    __abstract__ = True


OPEN = Access(read=signed_in, write=signed_in)


class Author(Shelf):
    """Somebody who writes."""

    __tablename__ = "authors"
    __access__ = OPEN
    name: Mapped[str] = field(max_length=120, search=True)
    code: Mapped[str] = field(max_length=20, unique=True)
    books: Mapped[list["Book"]] = relationship(back_populates="author")
    book_count = count_of("books")


class Tag(Shelf):
    """A word on a book."""

    __tablename__ = "tags"
    __access__ = OPEN
    __api__ = Options(create_on_put=True)
    word: Mapped[str] = field(max_length=30)


book_tags = link("book_tags", "books", "tags", metadata=Shelf.metadata)


class Book(Shelf):
    """A title."""

    __tablename__ = "books"
    __access__ = OPEN
    title: Mapped[str] = field(max_length=200, search=True)
    pages: Mapped[int] = field(default=1)
    author_id: Mapped[UUID] = ref(Author)
    author: Mapped[Author] = relationship(back_populates="books")
    owner_id: Mapped[UUID | None] = owned()
    tags: Mapped[list[Tag]] = relationship(secondary=book_tags)


app = Mainstay(title="Two shops", resources=[Author, Book, Tag])
