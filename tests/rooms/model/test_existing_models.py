"""Models that existed before are described without being rewritten."""

import enum
from collections.abc import Generator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from mainstay.base.errors import ConfigurationError
from mainstay.base.tenant import DEFAULT_TENANT, TenantScope
from mainstay.model import Options
from mainstay.model.spec import describe, validated
from mainstay.storage import compile_statement, sql
from tests.databases import Urls
from tests.rooms.model.tables import in_session, opened


class Legacy(DeclarativeBase):
    pass


class Level(enum.Enum):
    low = "low"
    high = "high"


class Customer(Legacy):
    """Who buys."""

    __tablename__ = "customers"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(40), unique=True)
    joined: Mapped[datetime | None] = mapped_column(sa.DateTime)
    birthday: Mapped[date | None]
    credit: Mapped[Decimal | None] = mapped_column(sa.Numeric(10, 2))
    score: Mapped[float | None]
    active: Mapped[bool] = mapped_column(default=True)
    token: Mapped[UUID | None]
    extra: Mapped[dict[str, Any] | None] = mapped_column(sa.JSON)
    level: Mapped[Level | None] = mapped_column(sa.Enum(Level, values_callable=lambda e: [m.value for m in e]))
    orders: Mapped[list["Order"]] = relationship(back_populates="customer")


class Order(Legacy):
    __tablename__ = "orders"
    code: Mapped[str] = mapped_column(sa.String(12), primary_key=True)
    customer_id: Mapped[int] = mapped_column(sa.ForeignKey("customers.id"))
    customer: Mapped[Customer] = relationship(back_populates="orders")


class Ticket(Legacy):
    __tablename__ = "tickets"
    __api__ = Options(exclude=("scan",))
    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    scan: Mapped[bytes | None]


class Pair(Legacy):
    __tablename__ = "pairs"
    a: Mapped[int] = mapped_column(primary_key=True)
    b: Mapped[int] = mapped_column(primary_key=True)


HOME = TenantScope(DEFAULT_TENANT)


def test_a_model_without_tenant_belongs_to_one() -> None:
    spec = describe(Customer)
    assert spec.table.info == {"plane": "tenant", "home_tenant": DEFAULT_TENANT}
    assert spec.tenant_column is None
    assert spec.version_column is None


def test_keys_are_generated_or_given() -> None:
    customer, order = describe(Customer), describe(Order)
    assert (customer.key.name, customer.key.kind, customer.key.write) == ("id", "integer", "never")
    assert (order.key.name, order.key.kind, order.key.write, order.key.required) == ("code", "text", "create", True)
    assert validated(order, "create", {"code": "A1", "customer_id": 1}) == {"code": "A1", "customer_id": 1}
    assert "code" not in order.writable("update")


def test_a_tenant_column_is_recognised_and_kept_from_clients() -> None:
    spec = describe(Ticket)
    assert spec.tenant_column is spec.table.c.tenant_id
    assert list(spec.fields) == ["id"]


def test_limits_come_from_the_columns() -> None:
    fields = describe(Customer).fields
    assert fields["name"].constraints.max_length == 40
    assert fields["name"].unique
    assert fields["credit"].constraints.places == 2
    with pytest.raises(ValueError, match="whole number from -2147483648 to 2147483647"):
        fields["id"].parse("2147483648")
    assert {name for name, known in fields.items() if known.required} == {"name"}


def test_relations_are_found() -> None:
    assert describe(Customer).relations["orders"].remote.name == "customer_id"
    assert describe(Order).relations["customer"].local.name == "customer_id"


def test_a_key_of_two_columns_refuses_to_start() -> None:
    with pytest.raises(ConfigurationError, match="Pair has a key of 2 columns"):
        describe(Pair)


def test_what_is_no_model_refuses_to_start() -> None:
    with pytest.raises(ConfigurationError, match="is not a mapped class"):
        describe(dict)


async def test_rows_look_the_same_from_both_databases(urls: Urls) -> None:
    moment = datetime(2026, 1, 31, 12, 30, 0, 5, tzinfo=UTC)
    token = UUID("0190f6a2-7c1e-7000-8000-3f2b8c0d9e11")
    spec = describe(Customer)
    async with opened(urls, Legacy.metadata) as database:

        def fill(session: Any) -> None:
            row = Customer(
                name="Ada",
                joined=moment.replace(tzinfo=None),
                birthday=date(1815, 12, 10),
                credit=Decimal("12.50"),
                score=0.5,
                token=token,
                extra={"a": [1, 2.5]},
                level=Level.high,
            )
            session.add_all([row, Customer(name="Grace", extra=sa.JSON.NULL)])
            session.commit()

        await in_session(urls, fill)
        table = spec.table
        body: dict[str, Any] = {"name": "Linus", "birthday": "1969-12-28", "credit": "1.5"}
        body |= {"joined": "2026-01-31T13:30:00.000005+01:00"}
        body |= {"token": str(token), "extra": {"b": None}, "level": "low", "active": False}
        values = validated(spec, "create", body)
        binds = {name: sa.bindparam(name, type_=table.c[name].type) for name in values}
        planned = compile_statement(sa.insert(table).values(**binds), database.dialect)

        def script() -> Generator[Any, Any, None]:
            yield planned, values

        await database.write(HOME, script())
        columns = [known.column for known in spec.fields.values()]
        plan = compile_statement(sa.select(*columns).where(sql.in_tenant(table)).order_by(table.c.id), database.dialect)
        rows = await database.fetch(HOME, plan, {})
        shown = []
        for row in rows:
            wire = {}
            for known, raw in zip(spec.fields.values(), row, strict=True):
                convert = known.to_wire(database.name)
                wire[known.name] = raw if convert is None else convert(raw)
            shown.append(orjson.dumps(wire).decode())
    assert shown == [
        '{"id":1,"name":"Ada","joined":"2026-01-31T12:30:00.000005Z","birthday":"1815-12-10","credit":"12.50",'
        '"score":0.5,"active":true,"token":"0190f6a2-7c1e-7000-8000-3f2b8c0d9e11","extra":{"a":[1,2.5]},"level":"high"}',
        '{"id":2,"name":"Grace","joined":null,"birthday":null,"credit":null,"score":null,"active":true,"token":null,'
        '"extra":null,"level":null}',
        '{"id":3,"name":"Linus","joined":"2026-01-31T12:30:00.000005Z","birthday":"1969-12-28","credit":"1.50",'
        '"score":null,"active":false,"token":"0190f6a2-7c1e-7000-8000-3f2b8c0d9e11","extra":{"b":null},"level":"low"}',
    ]
