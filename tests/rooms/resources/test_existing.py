"""Models that existed before, served without being rewritten: integer and text keys, no tenant, no version."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson
import pytest
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from mainstay.access import Access, anyone, role
from mainstay.base.errors import Conflict, Invalid, NotFound, PreconditionFailed
from mainstay.model.spec import describe
from tests.databases import Urls
from tests.rooms.resources.library import OTHER_TENANT, Shelf, caller, outbox, shelf


class Before(DeclarativeBase):
    pass


class Client(Before):
    """Who buys; its key is made by the database."""

    __tablename__ = "clients"
    __access__ = Access(read=anyone, write=role("editor"))
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column("full_name", sa.String(40), unique=True)
    joined: Mapped[datetime | None] = mapped_column(sa.DateTime)
    credit: Mapped[Decimal | None] = mapped_column(sa.Numeric(10, 2))
    active: Mapped[bool] = mapped_column(default=True)
    token: Mapped[UUID | None]
    extra: Mapped[dict[str, Any] | None] = mapped_column(sa.JSON)
    touched: Mapped[int] = mapped_column(default=0, onupdate=7)
    source: Mapped[str] = mapped_column(sa.String(10), server_default="shop")
    bills: Mapped[list["Bill"]] = relationship(back_populates="client")


class Bill(Before):
    """What they bought; its key is the client's own."""

    __tablename__ = "bills"
    __access__ = Access(read=anyone, write=role("editor"))
    code: Mapped[str] = mapped_column(sa.String(12), primary_key=True)
    client_id: Mapped[int] = mapped_column(sa.ForeignKey("clients.id"))
    client: Mapped[Client] = relationship(back_populates="bills")


for model in (Client, Bill):
    describe(model)


@pytest.fixture
async def office(urls: Urls) -> AsyncIterator[Shelf]:
    async with shelf(urls, (Client, Bill), Before) as opened:
        yield opened


async def test_rows_are_written_read_filtered_and_told(office: Shelf) -> None:
    made = await office.create(
        "clients",
        name="Ada",
        credit="1.50",
        joined="2026-01-02T03:04:05Z",
        token="0190f6a2-0000-7000-8000-0000000000aa",
        extra={"a": [1, None]},
    )
    assert made == {
        "id": 1,
        "name": "Ada",
        "joined": "2026-01-02T03:04:05.000000Z",
        "credit": "1.50",
        "active": True,
        "token": "0190f6a2-0000-7000-8000-0000000000aa",
        "extra": {"a": [1, None]},
        "touched": 0,
        "source": "shop",
    }
    assert await office.one("clients", "1") == made
    for query in ("name=Ada", "joined.gte=2026-01-02T03:04:05Z", "credit.lt=2", "active=true", "extra.is=notnull"):
        assert await office.items("clients", query) == [made], query
    assert await office.items("clients", f"token={made['token']}") == [made]
    assert await outbox(office) == [("clients", "created", 1)]


async def test_rows_have_no_version_and_still_no_update_is_lost(office: Shelf) -> None:
    await office.create("clients", name="Ada")
    clients = office.records["clients"]
    read = await clients.one(office.admin, "1")
    assert read.version is not None
    written = await clients.update(office.admin, "1", {"credit": "2"}, if_match=frozenset({read.version}))
    assert written.body is not None
    assert orjson.loads(written.body)["touched"] == 7
    assert written.etag == (await clients.one(office.admin, "1")).etag
    with pytest.raises(PreconditionFailed):
        await clients.update(office.admin, "1", {"credit": "3"}, if_match=frozenset({read.version}))


async def test_keys_given_by_clients_clash_and_relations_lead_on(office: Shelf) -> None:
    await office.create("clients", name="Ada")
    await office.create("bills", code="A/1", client_id=1)
    with pytest.raises(Conflict) as refused:
        await office.create("bills", code="A/1", client_id=1)
    assert [error.loc for error in refused.value.errors] == [("code",)]
    with pytest.raises(Conflict) as refused:
        await office.create("clients", name="Ada")
    assert [error.loc for error in refused.value.errors] == [("name",)]
    with pytest.raises(Conflict) as refused:
        await office.create("bills", code="A/2", client_id=9)
    assert [error.loc for error in refused.value.errors] == [("client_id",)]
    with pytest.raises(Invalid):
        await office.create("bills", client_id=1)
    with pytest.raises(Conflict, match="bills"):
        await office.records["clients"].delete(office.admin, "1")
    assert [b["code"] for b in await office.items("bills", "client.name=Ada&expand=client")] == ["A/1"]
    assert (await office.one("clients", "1", "expand=bills"))["bills"]["items"][0]["code"] == "A/1"
    await office.records["bills"].delete(office.admin, "A/1")
    with pytest.raises(NotFound):
        await office.one("bills", "A/1")


async def test_pages_go_on_over_integer_and_text_keys(office: Shelf) -> None:
    for number in range(5):
        await office.create("clients", name=f"{number}", joined=datetime(2026, 1, number + 1, tzinfo=UTC).isoformat())
        await office.create("bills", code=f"{number}", client_id=1)
    for name, query in (("clients", "limit=2"), ("clients", "limit=2&sort=-joined"), ("bills", "limit=2")):
        page = await office.page(name, query)
        found = len(page["items"])
        while page["next"]:
            page = await office.page(name, f"{query}&after={page['next']}")
            found += len(page["items"])
        assert found == 5, query


async def test_a_table_without_tenants_belongs_to_one(office: Shelf) -> None:
    await office.create("clients", name="Ada")
    assert await office.items("clients", by=caller("admin", tenant=OTHER_TENANT)) == []
