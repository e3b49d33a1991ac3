"""The app that these journeys travel: two resources, and whatever a test puts beside them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any
from uuid import UUID

import httpx
from sqlalchemy.orm import Mapped, relationship

from mainstay import Access, Mainstay, Resource, Settings, anyone, field, owned, owner, ref, row, signed_in
from tests.databases import Urls

KEY = "a-secret-key-for-tests-0123456789-abcdef"
PASSWORD = "correct horse battery staple"


class Shop(Resource, family=True):
    """The tables of this app alone."""

    __abstract__ = True


class Author(Shop):
    """Somebody who writes books."""

    __tablename__ = "authors"
    __access__ = Access(read=anyone, write=signed_in)
    name: Mapped[str] = field(max_length=120)


class Book(Shop):
    """A title in the catalogue."""

    __tablename__ = "books"
    __access__ = Access(read=(row.published == True) | owner, create=signed_in, update=owner, delete=owner)  # noqa: E712  a rule, not a test
    title: Mapped[str] = field(max_length=200)
    price: Mapped[Decimal] = field(gt=0)
    published: Mapped[bool] = field(default=False)
    author_id: Mapped[UUID] = ref(Author)
    author: Mapped[Author] = relationship()
    owner_id: Mapped[UUID] = owned()


def settings_for(urls: Urls, **more: Any) -> Settings:
    """Settings of a test: this database, a known key, no log."""
    chosen = {"environment": "testing", "secret_key": KEY, "log_format": "off", "migrate": True, **more}
    if chosen["environment"] in ("staging", "production"):
        chosen.setdefault("mail", {"url": "smtp://mail.shop.example", "sender": "Shop <noreply@shop.example>"})
    return Settings(database_url=urls.database_url, database_system_url=urls.system_url, **chosen)


def shop(urls: Urls, **options: Any) -> Mainstay:
    """The app over this database; `options` are those of Mainstay."""
    settings = options.pop("settings", None) or settings_for(urls)
    return Mainstay(resources=[Author, Book], settings=settings, **options)


@asynccontextmanager
async def visiting(app: Mainstay) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the running app."""
    async with (
        app.running(),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client,
    ):
        yield client


async def signed_in_as(client: httpx.AsyncClient, email: str = "ada@example.com") -> dict[str, str]:
    """Headers of a user who signed up and in."""
    await client.post("/auth/sign-up", json={"email": email, "password": PASSWORD})
    answer = await client.post("/auth/sign-in", json={"email": email, "password": PASSWORD})
    assert answer.status_code == 200, answer.text
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


async def a_book(client: httpx.AsyncClient, headers: dict[str, str], **fields: Any) -> dict[str, Any]:
    """A new book and its author."""
    author = await client.post("/api/v1/authors", json={"name": "Ada"}, headers=headers)
    assert author.status_code == 201, author.text
    body = {"title": "Notes", "price": "12.50", "author_id": author.json()["id"], **fields}
    answer = await client.post("/api/v1/books", json=body, headers=headers)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found
