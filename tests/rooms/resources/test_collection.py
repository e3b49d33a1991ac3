"""Records as users' own code sees them."""

from decimal import Decimal
from uuid import uuid4

import pytest

from mainstay.base.context import acting
from mainstay.base.errors import BadRequest, ConfigurationError, NotFound, PreconditionFailed
from tests.rooms.resources.library import Author, Book, Shelf, Status, caller


async def test_rows_are_read_and_written_with_python_values(library: Shelf) -> None:
    with acting(caller()):
        books = library.records.of(Book)
        book = await books.create(title="Emma", price=Decimal("12.5"), status=Status.published)
        assert (book.title, book.price, book.status, book.row_version) == ("Emma", Decimal("12.5"), Status.published, 1)
        assert book.label == "Emma (12.5000)"
        changed = await books.update(book.id, stock=4, if_version=1)
        assert (changed.stock, changed.row_version) == (4, 2)
        assert (await books.require(book.id)).stock == 4
        with pytest.raises(PreconditionFailed):
            await books.update(book.id, stock=5, if_version=1)
        await books.delete(str(book.id))
        assert await books.get(book.id) is None


async def test_lists_filter_sort_and_count(library: Shelf) -> None:
    with acting(library.admin):
        jane = await library.records.of(Author).create(name="Jane")
        books = library.records.of(Book)
        for number in range(5):
            await books.create(title=f"Book {number}", stock=number or None, author_id=jane.id if number % 2 else None)
        page = await books.list(stock__gte=2, sort="-stock", limit=2)
        assert [book.stock for book in page] == [4, 3]
        rest = await books.list(stock__gte=2, sort="-stock", limit=2, after=page.next)
        assert [book.stock for book in rest] == [2]
        assert [book.title for book in await books.list(author__name="Jane", sort="title")] == ["Book 1", "Book 3"]
        assert [book.title for book in await books.list(stock=None)] == ["Book 0"]
        assert [book.title for book in await books.list(stock__in=[1, 3], sort="title")] == ["Book 1", "Book 3"]
        assert await books.count(stock__lt=4) == 3
        assert await books.exists(title="Book 2")
        assert not await books.exists(title="Book 9")
        assert [book.title async for book in books.stream(sort="title")] == [f"Book {n}" for n in range(5)]


async def test_the_policy_is_that_of_the_caller(library: Shelf) -> None:
    me, other = caller(), caller()
    books = library.records.of(Book)
    mine = await books.acting_for(me).create(title="Draft")
    assert await books.acting_for(other).get(mine.id) is None
    with pytest.raises(NotFound):
        await books.acting_for(other).update(mine.id, title="Theirs")
    with pytest.raises(NotFound):
        await books.acting_for(other).require(uuid4())


async def test_masked_fields_stay_masked(library: Shelf) -> None:
    me, other = caller(), caller("editor")
    books = library.records.of(Book)
    mine = await books.acting_for(me).create(title="Emma", cost=7, status=Status.published)
    assert mine.cost == 7
    assert (await books.acting_for(other).require(mine.id)).cost is None
    assert (await books.acting_for(other).update(mine.id, title="Edited")).cost is None


async def test_nobody_calling_and_unknown_filters_are_said_in_words(library: Shelf) -> None:
    with pytest.raises(ConfigurationError, match="nobody is calling"):
        await library.records.of(Book).list()
    with pytest.raises(BadRequest, match="prise"):
        await library.records.of(Book).acting_for(library.admin).list(prise=1)
