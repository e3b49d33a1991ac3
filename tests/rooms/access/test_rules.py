"""Rules: what they admit, what they come down to for a caller, what they refuse to mean."""

from decimal import Decimal
from enum import StrEnum
from typing import Any, cast
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.dialects import sqlite
from sqlalchemy.orm import Mapped, relationship

from mainstay.access import Access, Mask, Rule, actor, anyone, owner, role, row, scope, signed_in
from mainstay.access.policy import compile_rule, evaluate, explain, fold, prepare, readable_fields, writable_fields
from mainstay.access.policy.prepare import prepare_rule
from mainstay.base.actor import ANONYMOUS, Actor
from mainstay.base.errors import ConfigurationError
from mainstay.model import Resource, computed, field, owned, ref
from mainstay.model.spec import describe
from mainstay.storage import compile_statement, sql


class Base(Resource, family=True):
    __abstract__ = True


class Status(StrEnum):
    draft = "draft"
    published = "published"


class Country(Base):
    __tablename__ = "countries"
    name: Mapped[str] = field()


class Author(Base):
    __tablename__ = "authors"
    country_id: Mapped[UUID | None] = ref(Country)
    country: Mapped[Country | None] = relationship()
    books: Mapped[list["Book"]] = relationship(back_populates="author")


class Book(Base):
    __tablename__ = "books"
    title: Mapped[str] = field()
    price: Mapped[Decimal] = field()
    pages: Mapped[int | None] = field()
    free: Mapped[bool] = field(default=False)
    tags: Mapped[list[str]] = field(default_factory=list)
    author_id: Mapped[UUID] = ref(Author)
    author: Mapped[Author] = relationship(back_populates="books")
    owner_id: Mapped[UUID] = owned()
    status: Mapped[Status] = field(default=Status.draft)

    @computed
    def label(self) -> str:
        return self.title


BOOK = describe(Book)
ME, YOU = UUID(int=1), UUID(int=2)
READER, EDITOR = Actor(user_id=ME, roles=frozenset({"user"})), Actor(user_id=YOU, roles=frozenset({"editor"}))
ADMIN = Actor(user_id=UUID(int=3), roles=frozenset({"admin"}))
ROW: dict[str, Any] = {"owner_id": ME, "status": Status.draft, "pages": None, "free": True, "price": Decimal(5)}


def judged(rule: Rule, who: Actor, **changes: Any) -> bool | None:
    return evaluate(prepare_rule(rule, BOOK), who, ROW | changes, {("author", "country", "name"): None})


@pytest.mark.parametrize(
    ("rule", "who", "outcome"),
    [
        (anyone, ANONYMOUS, True),
        (signed_in, ANONYMOUS, False),
        (~signed_in, READER, False),
        (owner, READER, True),
        (owner, EDITOR, False),
        (owner, ANONYMOUS, None),
        (~owner, ANONYMOUS, None),
        (role("editor", "user"), READER, True),
        (scope("a"), READER, False),
        (row.status == "draft", ANONYMOUS, True),
        (row.status == Status.published, ANONYMOUS, False),
        (row.pages > 3, ANONYMOUS, None),
        (~(row.pages > 3), ANONYMOUS, None),
        ((row.pages > 3) | anyone, ANONYMOUS, True),
        ((row.pages > 3) & ~anyone, ANONYMOUS, False),
        (row.pages.is_null(), ANONYMOUS, True),
        (row.pages.in_([]), ANONYMOUS, False),
        (row.pages.not_in([1]), ANONYMOUS, None),
        (row.free & owner, READER, True),
        (~row.free, ANONYMOUS, False),
        (row.price >= 5, ANONYMOUS, True),
        (row.author.country.name == "x", ANONYMOUS, None),
        (row.author.country.name.is_null(), ANONYMOUS, True),
        (actor.id == ME, READER, True),
        (row.owner_id != actor.id, EDITOR, True),
    ],
)
def test_a_rule_has_three_outcomes(rule: Rule, who: Actor, outcome: bool | None) -> None:
    assert judged(rule, who) is outcome


def test_without_access_only_administrators_pass() -> None:
    for access in (None, Access()):
        policy = prepare(access, BOOK)
        for operation in ("read", "create", "update", "delete"):
            verdicts = [fold(policy.rule(operation), who).verdict for who in (ANONYMOUS, READER, EDITOR, ADMIN)]
            assert verdicts == [False, False, False, True]


def test_write_stands_for_what_has_no_rule_of_its_own() -> None:
    policy = prepare(Access(read=anyone, write=role("editor"), delete=~anyone), BOOK)
    assert [fold(policy.rule(name), EDITOR).verdict for name in ("read", "create", "update", "delete")] == [
        True,
        True,
        True,
        False,
    ]


def test_administrators_pass_unless_told_otherwise() -> None:
    assert fold(prepare(Access(read=~anyone), BOOK).read, ADMIN).verdict is True
    assert fold(prepare(Access(read=~anyone, admins=False), BOOK).read, ADMIN).verdict is False


def test_folding_leaves_what_depends_on_the_row() -> None:
    policy = prepare(Access(read=(row.status == "published") | owner, write=owner | role("editor")), BOOK)
    assert fold(policy.read, ANONYMOUS).shape == "books:row.status==?0"
    mine, yours = fold(policy.read, READER), fold(policy.read, EDITOR)
    assert mine.shape == yours.shape
    assert mine.binds("r") == {"r_0": Status.published, "r_1": ME}
    assert yours.binds("r") == {"r_0": Status.published, "r_1": YOU}
    assert fold(policy.update, EDITOR).verdict is True
    assert fold(policy.update, ANONYMOUS).verdict is False
    assert fold(policy.update, READER).verdict is None


def test_related_rows_are_looked_up_within_the_tenant() -> None:
    rule = prepare_rule(row.author.country.name == "Chile", BOOK)
    folded, table = fold(rule, READER), Book.__table__
    statement = select(table.c.id).where(sql.in_tenant(table), compile_rule(folded, table))
    text = compile_statement(
        statement, sqlite.dialect(paramstyle="qmark")
    ).sql  # refuses a statement without the tenant
    assert text.count("tenant_id = ?") == 3
    assert rule.paths == {("author", "country", "name")}


def test_masks_hide_fields_for_a_caller_or_for_a_row() -> None:
    masks = {
        "price": Mask(read=role("editor"), write=role("editor")),
        "label": Mask(read=signed_in),
        "pages": Mask(read=owner),
    }
    policy = prepare(Access(read=anyone, write=anyone, fields=masks), BOOK)
    assert readable_fields(policy, ANONYMOUS).hidden == {"price", "label", "pages"}
    reader = readable_fields(policy, READER)
    assert reader.hidden == {"price"}
    assert reader.conditional.keys() == {"pages"}
    assert not reader.constant
    assert readable_fields(policy, ADMIN).constant
    assert writable_fields(policy, READER).hidden == {"price"}
    assert not writable_fields(policy, EDITOR).hidden


def test_an_explanation_shows_every_part() -> None:
    policy = prepare(Access(read=((row.pages > 100) & ~role("guest")) | owner), BOOK)
    told = explain(policy.read, EDITOR, ROW)
    assert told.outcome is None
    assert list(told.lines()) == [
        "UNKNOWN role('admin') | (((row.pages > 100) & ~role('guest')) | owner)",
        "FALSE     role('admin')",
        "UNKNOWN   ((row.pages > 100) & ~role('guest')) | owner",
        "UNKNOWN     (row.pages > 100) & ~role('guest')",
        "UNKNOWN       row.pages > 100",
        "TRUE          ~role('guest')",
        "FALSE           role('guest')",
        "FALSE       owner",
    ]


def test_a_rule_is_not_a_condition_of_python() -> None:
    for misuse in (lambda: owner and signed_in, lambda: not owner, lambda: 1 < row.pages < 5):
        with pytest.raises(ConfigurationError, match=r"Use &, \| and ~ instead"):
            misuse()


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: row.colour == 1, "looks at row.colour, not a field of Book"),
        (lambda: row.author.books.title == "x", "Author.books is no relation to one row"),
        (lambda: row.price == "cheap", "compares row.price, of kind decimal, with 'cheap'"),
        (lambda: row.pages == row.price, "whose kinds differ"),
        (lambda: row.title == actor.id, "of kind text, with actor.id"),
        (lambda: row.tags == ["x"], "a list field has no such order"),
        (lambda: row.free > False, "a boolean field has no such order"),
        (lambda: row.pages == None, "None is never true"),  # noqa: E711  the mistake is the test
        (lambda: row.pages.in_("abc"), "in_.. was given one value"),
        (lambda: row.pages.in_([None]), "was given None"),
        (lambda: row.title == actor.roles, "are sets"),
        (lambda: row.pages.in_(actor.roles), "compares kinds that differ"),
        (lambda: owner & cast(Rule, 1), "combined with int"),
        (lambda: role(), "names no role"),
    ],
)
def test_a_rule_that_cannot_be_meant_refuses_to_start(make: Any, sentence: str) -> None:
    with pytest.raises(ConfigurationError, match=sentence):
        prepare(Access(read=make()), BOOK)


def test_owner_needs_an_owned_field() -> None:
    with pytest.raises(ConfigurationError, match=r"no field of it is owned\(\)"):
        prepare(Access(read=owner), describe(Country))


def test_a_mask_of_nothing_refuses_to_start() -> None:
    with pytest.raises(ConfigurationError, match="masks 'colour', which is no field"):
        prepare(Access(fields={"colour": Mask(read=owner)}), BOOK)


def test_what_evaluation_needs_must_be_there() -> None:
    with pytest.raises(LookupError):
        evaluate(prepare_rule(row.pages > 3, BOOK), READER, {})
