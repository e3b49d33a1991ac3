"""E10: a model that already exists is served without rewriting it."""

from typing import Any

import pytest
from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from mainstay import Access, ConfigurationError, Mainstay, anyone, signed_in
from tests.databases import Urls
from tests.journeys.shop import settings_for, signed_in_as, visiting


class Legacy(DeclarativeBase):
    """Somebody's own declarative base."""


class Customer(Legacy):
    """With an integer key that the database counts."""

    __tablename__ = "customers"
    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(100), unique=True)
    orders: Mapped[list["Order"]] = relationship(back_populates="customer")


class Order(Legacy):
    """With a key that the client gives."""

    __tablename__ = "orders"
    number: Mapped[str] = mapped_column(String(20), primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"))
    customer: Mapped[Customer] = relationship(back_populates="orders")


def legacy_app(urls: Urls) -> Mainstay:
    app = Mainstay(settings=settings_for(urls))
    access = Access(read=anyone, write=signed_in)
    app.expose(Customer, access=access)
    app.expose(Order, access=access, tags=("sales",))
    return app


async def test_integer_and_client_given_keys_clashes_and_relations(urls: Urls) -> None:
    app = legacy_app(urls)
    async with visiting(app) as client:
        headers = await signed_in_as(client)
        made = await client.post("/api/v1/customers", json={"email": "ada@example.com"}, headers=headers)
        assert made.status_code == 201, made.text
        key = made.json()["id"]
        assert isinstance(key, int)
        assert made.headers["location"].endswith(f"/api/v1/customers/{key}")
        taken = await client.post("/api/v1/customers", json={"email": "ada@example.com"}, headers=headers)
        assert taken.status_code == 409
        assert "email" in str(taken.json()["errors"])
        order: dict[str, Any] = {"number": "A-1", "customer_id": key}
        assert (await client.post("/api/v1/orders", json=order, headers=headers)).status_code == 201
        assert (await client.post("/api/v1/orders", json=order, headers=headers)).status_code == 409
        answer = await client.get("/api/v1/orders/A-1?expand=customer")
        assert answer.json()["customer"]["email"] == "ada@example.com"
        assert len((await client.get(f"/api/v1/customers/{key}/orders")).json()["items"]) == 1
        assert app.openapi()["paths"]["/api/v1/orders"]["get"]["tags"] == ["sales"]


def test_what_is_no_mapped_class_is_refused_with_a_sentence(sqlite_urls: Urls) -> None:
    with pytest.raises(ConfigurationError, match="not a mapped class"):
        Mainstay(resources=[int], settings=settings_for(sqlite_urls))
