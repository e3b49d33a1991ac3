"""An app whose own routes remember what they made of rows, and the same app as a second process would have it."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.orm import Mapped, relationship

from mainstay import Access, CurrentUser, Mainstay, Resource, field, ref, signed_in, within
from mainstay.cache import CurrentCache
from mainstay.testing import Backend
from tests.databases import Urls


class Catalogue(Resource, family=True):
    """A family of tables of their own."""

    __abstract__ = True


class Author(Catalogue):
    """Somebody who writes."""

    __tablename__ = "writers"
    __access__ = Access(read=signed_in, write=signed_in)
    __api__ = {"name": "authors"}  # noqa: RUF012  as users write it
    name: Mapped[str] = field(max_length=50)


class Note(Catalogue):
    """What a hook writes beside a title."""

    __tablename__ = "notes"
    __access__ = Access(read=signed_in, write=signed_in)
    text: Mapped[str] = field(max_length=50)


class Title(Catalogue):
    """A title in the catalogue."""

    __tablename__ = "titles"
    __access__ = Access(read=signed_in, write=signed_in)
    name: Mapped[str] = field(max_length=50)
    author_id: Mapped[UUID] = ref(Author, on_delete="cascade")
    author: Mapped[Author] = relationship()


class Order(Catalogue):
    """Something whose creation writes a note in the same transaction."""

    __tablename__ = "orders"
    __access__ = Access(read=signed_in, write=signed_in)
    name: Mapped[str] = field(max_length=50)

    @within("create")
    def noted(cls, session: Any, row: Any) -> None:
        """Another row, in the same transaction."""
        session.add(Note(text=row.name))


def made() -> Mainstay:
    """The app. `computed` counts."""
    app = Mainstay(title="Catalogue", resources=[Author, Note, Title, Order])
    app.state.computed = []
    _cached_routes(app)
    _changing_routes(app)
    return app


def _cached_routes(app: Mainstay) -> None:
    @app.get("/names/{table}")
    async def names(table: str) -> list[str]:
        known: dict[str, Callable[[], Awaitable[list[str]]]] = {"titles": titles, "authors": authors, "notes": notes}
        return await known[table]()

    @app.cached(ttl=600, tags=[Title])
    async def titles() -> list[str]:
        app.state.computed.append("titles")
        return sorted([row.name async for row in app.records(Title).stream()])

    @app.cached(ttl=600, tags=["authors"])
    async def authors() -> list[str]:
        app.state.computed.append("authors")
        return sorted([row.name async for row in app.records(Author).stream()])

    @app.cached(ttl=600, tags=[Note])
    async def notes() -> list[str]:
        app.state.computed.append("notes")
        return sorted([row.text async for row in app.records(Note).stream()])

    @app.get("/title/{id}")
    @app.cached(ttl=600, tags=lambda id: [(Title, id)])
    async def title(id: str) -> str:
        app.state.computed.append(id)
        return str((await app.records(Title).require(id)).name)

    @app.get("/threaded")
    @app.cached(ttl=600, tags=[Title])
    def threaded() -> int:
        app.state.computed.append("threaded")
        with app.sync_session() as session:
            return session.query(Title).count()


def _changing_routes(app: Mainstay) -> None:
    @app.post("/orm/{id}")
    async def by_orm(id: UUID, name: str) -> None:
        async with app.session() as session:
            found = await session.get(Title, id)
            assert found is not None
            found.name = name
            await session.commit()

    @app.post("/bulk")
    async def in_bulk(name: str) -> None:
        async with app.session() as session:
            await session.execute(update(Title).values(name=name))
            await session.commit()

    @app.post("/sync/{id}")
    def by_sync(id: UUID, name: str) -> None:
        with app.sync_session() as session:
            found = session.get(Title, id)
            assert found is not None
            with session.begin_nested():
                found.name = name
            session.commit()

    @app.post("/void")
    async def void(cache: CurrentCache, tag: str = "titles") -> None:
        await cache.void(tag)

    @app.post("/clear")
    async def clear(cache: CurrentCache) -> None:
        await cache.clear()

    @app.get("/who")
    async def who(user: CurrentUser) -> str:
        return str(user.id)


@contextmanager
def two_processes(urls: Urls, **settings: Any) -> Iterator[tuple[Backend, Backend]]:
    """The app twice on one database: what one writes the other learns as another process would."""
    chosen = {"secret_key": "the same in both, for they are one application", **settings}

    def opened() -> Backend:
        return Backend(made(), database_url=urls.database_url, system_url=urls.system_url, settings=chosen)

    with opened() as one, opened() as two:
        yield one, two
