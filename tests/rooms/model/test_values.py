"""What each kind of field takes, what it refuses and in which words."""

import json
from datetime import UTC, date, datetime, time
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.orm import Mapped

from mainstay.base.errors import Invalid
from mainstay.model import Resource, field
from mainstay.model.spec import Refused, describe, field_errors, validated


class Base(Resource, family=True):
    __abstract__ = True


class Colour(StrEnum):
    red = "red"
    blue = "blue"


class Sample(Base):
    __tablename__ = "samples"
    text: Mapped[str] = field(max_length=5, min_length=2, trim=True)
    code: Mapped[str] = field(pattern="[A-Z]{3}", upper=True)
    email: Mapped[str] = field(format="email", unique=True)
    url: Mapped[str] = field(format="url")
    phone: Mapped[str] = field(format="phone")
    page: Mapped[str] = field(html="basic")
    plain: Mapped[str] = field(html="strip")
    whole: Mapped[int] = field(ge=-5, lt=10, multiple_of=5)
    wide: Mapped[int] = field()
    price: Mapped[Decimal] = field(gt=0, digits=6, places=2)
    rough: Mapped[Decimal] = field(places=2, round_to=2)
    ratio: Mapped[float] = field()
    flag: Mapped[bool] = field()
    moment: Mapped[datetime] = field()
    day: Mapped[date] = field(ge=date(2000, 1, 1))
    at: Mapped[time] = field()
    key: Mapped[UUID] = field()
    colour: Mapped[Colour] = field()
    colours: Mapped[list[Colour]] = field(max_length=2)
    data: Mapped[dict[str, Any]] = field()
    anything: Mapped[Any] = field()
    note: Mapped[str | None] = field()


FIELDS = describe(Sample).fields
KEY = "0190F6A2-7C1E-7000-8000-3F2B8C0D9E11"
NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "given", "value"),
    [
        ("text", "  ab ", "ab"),
        ("code", "abc", "ABC"),
        ("email", "Ada@Example.ORG", "Ada@example.org"),
        ("url", "https://example.org:8080/a?b=c#d", "https://example.org:8080/a?b=c#d"),
        ("phone", "+49 (30) 123-4567", "+49301234567"),
        ("page", "<b>x</b><script>alert(1)</script>", "<b>x</b>"),
        ("plain", "<b>x</b><script>alert(1)</script>", "x"),
        ("whole", 5, 5),
        ("whole", 5.0, 5),
        ("wide", 2**63 - 1, 2**63 - 1),
        ("price", "12.5", Decimal("12.50")),
        ("price", 12.5, Decimal("12.50")),
        ("price", 0.07, Decimal("0.07")),
        ("price", Decimal("0.01"), Decimal("0.01")),
        ("rough", "2.345", Decimal("2.34")),
        ("rough", "-0.001", Decimal("0.00")),
        ("ratio", 1, 1.0),
        ("ratio", -0.0, 0.0),
        ("flag", True, True),
        ("moment", "2026-01-31T12:00:00Z", NOON),
        ("moment", "2026-01-31t13:30:00.1234567+01:30", NOON.replace(microsecond=123456)),
        ("moment", NOON, NOON),
        ("day", "2026-01-31", date(2026, 1, 31)),
        ("at", "12:30:00.5", time(12, 30, 0, 500000)),
        ("key", KEY, UUID(KEY)),
        ("colour", "red", Colour.red),
        ("colour", Colour.blue, Colour.blue),
        ("colours", ["red", "red"], ["red", "red"]),
        ("data", {"bb": 1, "a": [1.0, None]}, {"a": [1.0, None], "bb": 1}),
        ("anything", [1, "x"], [1, "x"]),
        ("note", None, None),
    ],
)
def test_a_value_is_taken_as_its_canonical_form(name: str, given: Any, value: Any) -> None:
    taken = FIELDS[name].accept(given)
    assert (taken, type(taken)) == (value, type(value))
    if taken is not None:
        shown = json.loads(json.dumps(FIELDS[name].to_json(taken)))
        assert FIELDS[name].accept(shown) == taken


@pytest.mark.parametrize(
    ("name", "given", "code"),
    [
        ("text", "abcdef", "too_long"),
        ("text", " a ", "too_short"),
        ("text", "a\0b", "nul"),
        ("text", "a\ud800b", "surrogate"),
        ("text", 1, "type"),
        ("text", None, "null"),
        ("code", "ABCD", "pattern"),
        ("code", "ABC\n", "pattern"),
        ("email", "ada@localhost", "email"),
        ("email", "ada@example.org\n", "email"),
        ("email", "a" * 250 + "@example.org", "too_long"),
        ("url", "javascript:alert(1)", "url"),
        ("url", "https://user:secret@example.org", "url"),
        ("phone", "030 1234567", "phone"),
        ("whole", 10, "lt"),
        ("whole", -10, "ge"),
        ("whole", 3, "multiple_of"),
        ("whole", True, "type"),
        ("whole", "5", "type"),
        ("whole", 5.5, "type"),
        ("wide", 2**63, "range"),
        ("price", "1.234", "places"),
        ("price", 0.1 + 0.2, "places"),
        ("price", "10000", "digits"),
        ("price", "1e2", "decimal"),
        ("price", "01", "decimal"),
        ("price", "NaN", "decimal"),
        ("price", "٣", "decimal"),
        ("price", float("nan"), "digits"),
        ("price", True, "type"),
        ("price", 0, "gt"),
        ("price", "1" * 5000, "decimal"),
        ("ratio", float("inf"), "range"),
        ("ratio", 10**400, "range"),
        ("ratio", "1", "type"),
        ("flag", 1, "type"),
        ("flag", "true", "type"),
        ("moment", "2026-01-31T12:00:00", "datetime"),
        ("moment", datetime(2026, 1, 31), "naive"),
        ("moment", "2026-02-30T12:00:00Z", "datetime"),
        ("moment", "0001-01-01T00:00:00+01:00", "range"),
        ("moment", 1769860800, "type"),
        ("day", "2026-1-31", "date"),
        ("day", "1999-12-31", "ge"),
        ("day", NOON, "type"),
        ("at", "24:00:00", "time"),
        ("at", "12:30:00Z", "time"),
        ("key", "0190f6a27c1e700080003f2b8c0d9e11", "uuid"),
        ("colour", "green", "enum"),
        ("colours", ["red", "blue", "red"], "too_long"),
        ("colours", ["green"], "enum"),
        ("colours", "red", "type"),
        ("data", [], "type"),
        ("data", {"a": "\0"}, "nul"),
        ("data", {"\0": 1}, "nul"),
        ("anything", None, "null"),
    ],
)
def test_a_value_is_refused_with_a_code_and_a_sentence(name: str, given: Any, code: str) -> None:
    with pytest.raises(Refused) as refused:
        FIELDS[name].accept(given)
    assert refused.value.code == code
    assert refused.value.message[0].isupper()


def test_nesting_is_bounded() -> None:
    value: Any = 1
    for _ in range(100):
        value = [value]
    with pytest.raises(Refused, match="levels deep"):
        FIELDS["anything"].accept(value)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("wide", "-7", -7),
        ("price", "7.5", Decimal("7.50")),
        ("ratio", "1e3", 1000.0),
        ("flag", "false", False),
        ("moment", "2026-01-31T12:00:00+00:00", NOON),
        ("colour", "blue", Colour.blue),
        ("colours", "blue", "blue"),
        ("code", "abc", "ABC"),
        # A filter may look for what no limit would let in.
        ("text", "abcdefgh", "abcdefgh"),
    ],
)
def test_a_filter_is_read_from_text(name: str, text: str, value: Any) -> None:
    assert FIELDS[name].parse(text) == value


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("wide", "+7"),
        ("wide", "7.0"),
        ("wide", "1" * 5000),
        ("flag", "yes"),
        ("ratio", "nan"),
        ("key", "x"),
        ("data", "{}"),
    ],
)
def test_a_filter_that_cannot_be_read_is_refused(name: str, text: str) -> None:
    with pytest.raises(ValueError, match=r"[A-Z].*\."):
        FIELDS[name].parse(text)


class Small(Base):
    __tablename__ = "smalls"
    name: Mapped[str] = field(max_length=3)
    price: Mapped[Decimal] = field(default=Decimal("1.5"))
    tags: Mapped[list[str]] = field(default=["new"])
    note: Mapped[str | None] = field(default="none yet")
    code: Mapped[str] = field(write="create", default="x")
    hidden: Mapped[int] = field(write=False, default=7)


SMALL = describe(Small)


def test_create_fills_in_defaults() -> None:
    first, second = (validated(SMALL, "create", {"name": "a"}) for _ in range(2))
    assert first == {
        "name": "a",
        "price": Decimal("1.5000"),
        "tags": ["new"],
        "note": "none yet",
        "code": "x",
        "hidden": 7,
    }
    assert first["tags"] is not second["tags"]


def test_replace_resets_what_was_not_sent_and_leaves_the_rest() -> None:
    assert validated(SMALL, "replace", {"name": "a"}).keys() == {"name", "price", "tags", "note"}


def test_update_takes_what_was_sent_alone() -> None:
    assert validated(SMALL, "update", {}) == {}
    assert validated(SMALL, "update", {"note": None}) == {"note": None}
    with pytest.raises(Invalid) as refused:
        validated(SMALL, "update", {"name": None})
    assert [(error.loc, error.code) for error in refused.value.errors] == [(("name",), "null")]


def test_every_refused_field_is_named_at_once() -> None:
    with pytest.raises(Invalid) as refused:
        validated(SMALL, "create", {"nmae": 1, "price": "x", "hidden": 1, "id": "x"})
    assert {(error.loc, error.code) for error in refused.value.errors} == {
        (("nmae",), "unknown_field"),
        (("price",), "decimal"),
        (("hidden",), "read_only"),
        (("id",), "read_only"),
        (("name",), "missing"),
    }
    assert "Did you mean name?" in next(error.message for error in refused.value.errors)


@pytest.mark.parametrize("body", [None, [], "x", 1])
def test_a_body_that_is_no_object_is_refused(body: Any) -> None:
    with pytest.raises(Invalid, match=r"Send an object\."):
        validated(SMALL, "create", body)


def test_the_derived_schemas_refuse_what_validation_refuses() -> None:
    made = SMALL.create_schema.model_validate({"name": "a", "price": 2.5})
    assert made.price == Decimal("2.5000")  # type: ignore[attr-defined]  # derived at run time
    assert made.model_fields_set == {"name", "price"}
    for body in ({"name": 1}, {"name": "long"}, {"name": "a", "other": 1}, {"name": "a", "price": "x"}):
        with pytest.raises(ValueError, match="validation error") as refused:
            SMALL.create_schema.model_validate(body)
        (error,) = field_errors(refused.value)  # type: ignore[arg-type]  # Pydantic's is a ValueError
        assert error.loc[0] in ("name", "other", "price")
        assert "input" not in error.message.lower() or error.code == "extra_forbidden"
