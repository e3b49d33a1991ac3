"""The app that the conformance run is made against: every kind of field, relation and option in one place."""

from datetime import date, datetime, time
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Mapped, relationship

from mainstay import Access, Mainstay, Resource, field, owned, owner, ref, role, row, signed_in
from mainstay.model import Options, computed, count_of, link

# There before the run starts, so that a book can be made by following the examples.
AUTHOR = UUID("0190f6a2-7c1e-7000-8000-3f2b8c0d9e11")


class Status(StrEnum):
    draft = "draft"
    published = "published"


class Tag(Resource):
    """A word on a book."""

    __tablename__ = "tags"
    __access__ = Access(read=signed_in, write=role("editor"))
    __api__ = Options(create_on_put=True)
    name: Mapped[str] = field(max_length=30, min_length=1, unique=True, example="poetry")


class Author(Resource):
    """Somebody who writes books."""

    __tablename__ = "authors"
    __access__ = Access(read=signed_in, write=role("editor"))
    name: Mapped[str] = field(max_length=120, search=True)
    born: Mapped[date | None] = field(default=None)
    books: Mapped[list["Book"]] = relationship(back_populates="author")
    book_count = count_of("books")


book_tags = link("book_tags", "books", "tags", metadata=Resource.metadata)


class Book(Resource):
    """A title in the catalogue."""

    __tablename__ = "books"
    __access__ = Access(read=(row.status == "published") | owner, write=owner | role("editor"))
    title: Mapped[str] = field(max_length=200, min_length=1, search=True)
    summary: Mapped[str] = field(default="No summary available")
    price: Mapped[Decimal] = field(gt=0, le=Decimal("9999.99"), places=2)
    pages: Mapped[int | None] = field(default=None, ge=1, le=100_000)
    weight: Mapped[float | None] = field(default=None, ge=0)
    in_print: Mapped[bool] = field(default=True)
    status: Mapped[Status] = field(default=Status.draft)
    shelf: Mapped[str | None] = field(default=None, pattern="[A-Z]{1,2}[0-9]{1,3}")
    published_at: Mapped[datetime | None] = field(default=None)
    reads_from: Mapped[time | None] = field(default=None)
    words: Mapped[list[str]] = field(default_factory=list)
    extra: Mapped[dict[str, Any] | None] = field(default=None)
    isbn: Mapped[str | None] = field(default=None, unique=True, max_length=13, write="create")
    author_id: Mapped[UUID] = ref(Author, example=AUTHOR)
    author: Mapped[Author] = relationship(back_populates="books")
    owner_id: Mapped[UUID | None] = owned()
    tags: Mapped[list[Tag]] = relationship(secondary=book_tags)

    @computed
    def label(self) -> str:
        """The title with its price."""
        return f"{self.title} ({self.price})"


app = Mainstay(title="Library", resources=[Author, Book, Tag])
