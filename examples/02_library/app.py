"""The library: books, who wrote them, what readers say; with the app's own routes, checks and hooks beside them."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, BackgroundTasks, Depends, FastAPI, Request, Response
from pydantic import BaseModel
from sqlalchemy.orm import Mapped, relationship

from mainstay import (
    Access,
    CurrentUser,
    Mainstay,
    Options,
    Resource,
    after,
    anyone,
    before,
    check,
    computed,
    count_of,
    current_user,
    field,
    link,
    owned,
    owner,
    ref,
    role,
    row,
    signed_in,
)

log = logging.getLogger("library")


class Status(StrEnum):
    draft = "draft"
    published = "published"


class Author(Resource):
    """Somebody who writes books."""

    __tablename__ = "authors"
    __access__ = Access(read=anyone, write=role("editor"))

    name: Mapped[str] = field(max_length=120, search=True, trim=True, min_length=1)
    country: Mapped[str | None] = field(default=None, pattern="[A-Z]{2}", description="ISO 3166-1 alpha-2.")
    books: Mapped[list["Book"]] = relationship(back_populates="author")
    book_count = count_of("books")


class Tag(Resource):
    """A subject."""

    __tablename__ = "tags"
    __access__ = Access(read=anyone, write=role("editor"))

    name: Mapped[str] = field(max_length=40, lower=True, trim=True, unique=True)
    books: Mapped[list["Book"]] = relationship(secondary="book_tags", back_populates="tags")


book_tags = link("book_tags", "books", "tags")


class Book(Resource):
    """A title in the catalogue."""

    __tablename__ = "books"
    __api__ = Options(default_sort="title")
    __access__ = Access(read=(row.status == "published") | owner, write=owner | role("editor"))

    title: Mapped[str] = field(max_length=200, search=True, trim=True, min_length=1)
    summary: Mapped[str] = field(default="No summary available", search=True)
    price: Mapped[Decimal] = field(gt=0, places=2, example="12.50")
    pages: Mapped[int | None] = field(default=None, ge=1)
    isbn: Mapped[str | None] = field(default=None, unique=True, description="ISBN-13, without dashes.")
    author_id: Mapped[UUID] = ref(Author)
    author: Mapped[Author] = relationship(back_populates="books")
    tags: Mapped[list[Tag]] = relationship(secondary=book_tags, back_populates="books")
    reviews: Mapped[list["Review"]] = relationship(back_populates="book")
    review_count = count_of("reviews")
    owner_id: Mapped[UUID] = owned()
    status: Mapped[Status] = field(default=Status.draft)

    @computed
    def label(self) -> str:
        """How the shelf shows it."""
        return f"{self.title} ({self.price})"

    @check("isbn")
    def digits_add_up(cls, value: str | None) -> str | None:
        """An ISBN-13 whose check digit fits."""
        if value is None:
            return None
        digits = value.replace("-", "")
        if len(digits) != 13 or not digits.isdigit():
            raise ValueError("An ISBN has 13 digits.")
        if sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(digits)) % 10:
            raise ValueError("The last digit of this ISBN does not fit the others.")
        return digits

    @check
    def a_published_book_says_what_it_is(self) -> None:
        if self.status == Status.published and self.summary == "No summary available":
            raise ValueError("A published book has a summary.")

    @before("create", "update")
    def no_double_spaces(self) -> None:
        self.title = " ".join(self.title.split())

    @after("create")
    async def tell(self) -> None:
        log.info("new book: %s", self.title)


class Review(Resource):
    """What a reader says of a book."""

    __tablename__ = "reviews"
    __access__ = Access(read=anyone, create=signed_in, update=owner, delete=owner | role("editor"))

    stars: Mapped[int] = field(ge=1, le=5)
    text: Mapped[str] = field(default="", max_length=4000, html="strip")
    book_id: Mapped[UUID] = ref(Book, write="create")
    book: Mapped[Book] = relationship(back_populates="reviews")
    owner_id: Mapped[UUID] = owned()


class Shelf(BaseModel):
    """A glance at the catalogue."""

    books: int
    cheapest: str | None


own_routes = APIRouter(tags=["shelf"])


@own_routes.get("/shelf", operation_id="shelf_glance")
async def shelf() -> Shelf:
    """How many books the caller may see, and the cheapest of them: the same policy as `/api/v1/books`."""
    books = app.records(Book)
    cheapest = (await books.list(sort="price", limit=1)).items
    return Shelf(books=await books.count(), cheapest=cheapest[0].label if cheapest else None)


@own_routes.post("/books/{book_id}/publish", status_code=204, operation_id="books_publish")
async def publish(book_id: UUID, user: Annotated[CurrentUser, Depends(current_user)], later: BackgroundTasks) -> None:
    """Publish a book: through the same checks, hooks and policy as PATCH."""
    await app.records(Book).update(book_id, status=Status.published)
    later.add_task(log.info, "%s published %s", user.id, book_id)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    log.info("the library opens")
    yield
    log.info("the library closes")


app = Mainstay(title="Library", resources=[Author, Tag, Book, Review], lifespan=lifespan)
app.include_router(own_routes)


@app.middleware("http")
async def say_which_library(request: Request, call_next) -> Response:  # type: ignore[no-untyped-def]  # Starlette's own
    response: Response = await call_next(request)
    response.headers["X-Library"] = "main street"
    return response
