"""Checks, hooks and computed fields, as records run them."""

from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from pydantic import BaseModel, Field
from sqlalchemy.orm import Mapped

from mainstay.base.errors import ConfigurationError, FieldError, Invalid
from mainstay.model import Options, Resource, after, before, check, computed, field, within
from mainstay.model.spec import Draft, RowView, describe, run_checks, run_database_checks, run_hooks, validated


class Base(Resource, family=True):
    __abstract__ = True


class Stay(Base):
    __tablename__ = "stays"
    guest: Mapped[str] = field(max_length=20)
    starts: Mapped[date] = field()
    ends: Mapped[date] = field()
    price: Mapped[Decimal] = field(default=Decimal(10), places=2)
    note: Mapped[str] = field(default="", write=False)

    @check("guest")
    def no_shouting(cls, value: str) -> str:
        if value.isupper():
            raise ValueError("Please don't shout.")
        return value.strip()

    @check("price")
    def no_price_of_thirteen(cls, value: Decimal) -> None:
        if value == 13:
            raise ValueError("Thirteen brings bad luck.")

    @check
    def leaves_after_arriving(self) -> None:
        if self.ends <= self.starts:
            raise Invalid(errors=[FieldError(("ends",), "order", "Leave after you arrive.")])

    @check(database=True)
    async def is_no_second_stay(self, records: Any) -> None:
        if await records.taken(self.guest):
            raise ValueError(f"{self.guest} is here already.")

    @before("create", "update")
    def write_a_note(self) -> None:
        self.note = f"{self.guest} for {self.nights}"

    @before("delete")
    async def refuse_to_go(self) -> None:
        raise ValueError("Nobody leaves.")

    @after("create")
    def greet(self) -> None:
        said.append(f"hello {self.guest}")

    @after()
    async def count(self) -> None:
        said.append("changed")

    @within("create")
    def mark(cls, session: Any, row: Any) -> None:
        session.append((cls, row.guest))

    @computed
    def nights(self) -> int:
        """How long."""
        return (self.ends - self.starts).days

    @computed
    def total(self) -> Decimal:
        return self.price * self.nights

    def in_words(self) -> str:
        return f"{self.nights} nights"


said: list[str] = []
SPEC = describe(Stay)
BODY = {"guest": " Ada ", "starts": "2026-01-01", "ends": "2026-01-04"}


def draft(**changes: Any) -> Draft:
    return Draft(SPEC, validated(SPEC, "create", BODY | changes))


def test_a_field_check_may_change_the_value() -> None:
    assert draft().guest == "Ada"


def test_a_field_check_refuses_in_its_own_words_beside_the_others() -> None:
    with pytest.raises(Invalid) as refused:
        draft(guest="ADA", price=13)
    assert [(e.loc, e.code, e.message) for e in refused.value.errors] == [
        (("guest",), "check", "Please don't shout."),
        (("price",), "check", "Thirteen brings bad luck."),
    ]


def test_a_check_across_fields_sees_the_row_as_it_will_be() -> None:
    run_checks(SPEC, draft())
    stored = draft()
    patch = validated(SPEC, "update", {"ends": "2025-12-31"})
    with pytest.raises(Invalid) as refused:
        run_checks(SPEC, Draft(SPEC, dict(stored), patch))
    assert refused.value.errors[0].loc == ("ends",)


async def test_a_check_may_look_rows_up() -> None:
    class Records:
        async def taken(self, guest: str) -> bool:
            return guest == "Ada"

    await run_database_checks(SPEC, draft(guest="Grace"), Records())
    with pytest.raises(Invalid) as refused:
        await run_database_checks(SPEC, draft(), Records())
    assert refused.value.errors == (FieldError((), "check", "Ada is here already."),)


async def test_a_before_hook_changes_the_draft() -> None:
    made = draft()
    await run_hooks(SPEC, "before", "create", made)
    assert made.changes["note"] == "Ada for 3"
    patched = Draft(SPEC, dict(made), {})
    await run_hooks(SPEC, "before", "update", patched)
    assert patched.changes == {"note": "Ada for 3"}


async def test_a_before_hook_that_refuses_is_invalid() -> None:
    with pytest.raises(Invalid) as refused:
        await run_hooks(SPEC, "before", "delete", RowView(SPEC, dict(draft())))
    assert refused.value.errors[0].message == "Nobody leaves."


async def test_hooks_run_for_their_operations_alone_in_order() -> None:
    said.clear()
    view = RowView(SPEC, dict(draft()))
    await run_hooks(SPEC, "after", "create", view)
    await run_hooks(SPEC, "after", "update", view)
    assert said == ["hello Ada", "changed", "changed"]
    session: list[Any] = []
    SPEC.run_within("create", session, view)
    SPEC.run_within("update", session, view)
    assert session == [(Stay, "Ada")]


def test_a_computed_field_is_worked_out_from_the_row() -> None:
    view = RowView(SPEC, dict(draft()))
    assert view.nights == 3
    assert view.in_words() == "3 nights"
    total = SPEC.computed["total"]
    assert total.to_json(total.call(view)) == "30.00"
    assert total.schema["type"] == "string"
    assert SPEC.computed["nights"].schema == {"type": "integer", "title": "Nights", "description": "How long."}


def test_a_row_that_was_read_does_not_change() -> None:
    view = RowView(SPEC, {"guest": "Ada"})
    with pytest.raises(AttributeError, match=r"records\.update"):
        view.guest = "Grace"
    with pytest.raises(AttributeError, match="holds no starts; it has guest"):
        view.starts  # noqa: B018  the access is the test
    assert dict(view) == {"guest": "Ada"}


def test_a_draft_is_checked_as_input_is() -> None:
    made = draft()
    with pytest.raises(ValueError, match="guest: Use at most 20 characters"):
        made.guest = "x" * 21
    with pytest.raises(ValueError, match="has no field gest"):
        made.gest = "x"


def test_hooks_that_cannot_work_refuse_to_start() -> None:
    with pytest.raises(ConfigurationError, match="'list', which is no operation"):
        before("list")  # type: ignore[arg-type]  # the mistake is the test

    async def slow(cls: Any, session: Any, row: Any) -> None: ...

    with pytest.raises(ConfigurationError, match="within the transaction and is async"):
        within("create")(slow)


class BookingForm(BaseModel):
    guest: str = Field(min_length=3)
    starts: date
    ends: date
    price: Decimal = Decimal("7.5")


class BookingPatch(BaseModel):
    guest: str | None = None


class Booking(Base):
    __tablename__ = "bookings"
    __api__ = Options(create=BookingForm, update=BookingPatch)
    guest: Mapped[str] = field(max_length=20)
    starts: Mapped[date] = field()
    ends: Mapped[date] = field()
    price: Mapped[Decimal] = field(places=2)
    reference: Mapped[UUID] = field(default_factory=uuid4)


def test_the_users_own_schemas_take_the_place_of_ours() -> None:
    spec = describe(Booking)
    assert spec.create_schema is BookingForm
    made = validated(spec, "create", BODY)
    assert made["price"] == Decimal("7.50")
    assert isinstance(made["reference"], UUID)
    assert validated(spec, "update", {"guest": "Grace"}) == {"guest": "Grace"}
    with pytest.raises(Invalid) as refused:
        validated(spec, "create", BODY | {"guest": "x"})
    assert refused.value.errors[0].code == "string_too_short"
    # The field's own limits still hold.
    with pytest.raises(Invalid) as refused:
        validated(spec, "create", BODY | {"guest": "x" * 30})
    assert refused.value.errors[0].code == "too_long"
