"""Masked and write-only fields, attacked through filters, sorts, cursors, tags, guesses and replacements."""

from collections.abc import AsyncIterator
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.orm import Mapped

from mainstay.access import Access, Mask, anyone, owner, role
from mainstay.base.errors import CursorRefused, Forbidden
from mainstay.model import Resource, field, owned
from mainstay.resources.changes import Operation
from tests.databases import Urls
from tests.rooms.resources.library import Shelf, caller, shelf


class Family(Resource, family=True):
    __abstract__ = True


class Grade(StrEnum):
    low = "low"
    high = "high"


HIDDEN = Mask(read=role("hr"), write=role("hr"))
KINDS = ("pay", "note", "rate", "ratio", "bonus", "born", "seen_at", "badge", "grade", "words", "extra")


class Member(Family):
    """Somebody on the payroll, whose pay only human resources may see and set."""

    __tablename__ = "members"
    __access__ = Access(
        read=anyone,
        write=role("editor", "hr"),
        fields=dict.fromkeys(KINDS, HIDDEN) | {"mood": Mask(read=owner)},
    )
    name: Mapped[str] = field(max_length=50)
    nick: Mapped[str | None] = field()
    pin: Mapped[str | None] = field(read=False)
    mood: Mapped[str | None] = field()
    pay: Mapped[int | None] = field(default=1000)
    note: Mapped[str | None] = field(search=True)
    rate: Mapped[Decimal | None] = field()
    ratio: Mapped[float | None] = field()
    bonus: Mapped[bool | None] = field()
    born: Mapped[date | None] = field()
    seen_at: Mapped[datetime | None] = field()
    badge: Mapped[UUID | None] = field()
    grade: Mapped[Grade | None] = field()
    words: Mapped[list[str]] = field(default_factory=list)
    extra: Mapped[dict[str, Any] | None] = field()
    owner_id: Mapped[UUID] = owned()


FULL: dict[str, Any] = {
    "name": "Ada",
    "nick": "A",
    "pin": "4711",
    "mood": "glad",
    "pay": 4200,
    "note": "promote her",
    "rate": "1.5000",
    "ratio": 0.5,
    "bonus": True,
    "born": "1990-01-02",
    "seen_at": "2026-01-02T03:04:05Z",
    "badge": "0190f6a2-0000-7000-8000-0000000000aa",
    "grade": "high",
    "words": ["x"],
    "extra": {"a": 1},
}
HR, EDITOR = caller("hr"), caller("editor")


@pytest.fixture
async def staff(urls: Urls) -> AsyncIterator[Shelf]:
    async with shelf(urls, (Member,), Family) as opened:
        yield opened


VALUES = {name: str(FULL[name]) for name in KINDS} | {"bonus": "true", "words": '"x"', "extra": "{}"}


@pytest.mark.parametrize("name", KINDS)
async def test_no_operator_finds_a_row_by_a_field_that_is_hidden(staff: Shelf, name: str) -> None:
    await staff.create("members", HR, **FULL)
    spec = staff.records["members"].spec.fields[name]
    for operator in spec.operators:
        if operator == "is":
            continue
        value = VALUES[name]
        found = await staff.items("members", f"{name}.{operator}={value}", EDITOR)
        assert found == [], operator
    if "is" in spec.operators:
        assert len(await staff.items("members", f"{name}.is=null", EDITOR)) == 1
        assert await staff.items("members", f"{name}.is=notnull", EDITOR) == []
    # The control: whoever may see it finds it.
    assert len(await staff.items("members", f"{name}.is=notnull", HR)) == 1 or "is" not in spec.operators


async def test_sorting_by_a_hidden_field_tells_nothing_and_fails_nowhere(staff: Shelf) -> None:
    for pay in (3, 1, 2):
        await staff.create("members", HR, **(FULL | {"pay": pay, "name": f"n{pay}", "nick": None}))
    for sort in (
        "pay",
        "-pay",
        "nick,pay",
        "mood",
        "-mood,pay,nick",
        *(n for n in KINDS if n not in ("words", "extra")),
    ):
        seen: list[str] = []
        query, names = f"sort={sort}&limit=1", []
        while True:
            page = await staff.page("members", query, EDITOR)
            names += [each["id"] for each in page["items"]]
            if page["next"] is None:
                break
            query = f"sort={sort}&limit=1&after={page['next']}"
        seen = names
        assert len(set(seen)) == 3, sort
        ids = [each["id"] for each in await staff.items("members", "sort=id", EDITOR)]
        assert seen in (ids, ids[::-1]), sort


async def test_a_cursor_of_somebody_who_sees_more_is_refused_not_a_failure(staff: Shelf) -> None:
    for pay in (3, 1, 2):
        await staff.create("members", HR, **(FULL | {"pay": pay, "nick": None}))
    for sort in ("pay", "nick,pay", "pay,nick", "pay,grade", "mood,pay"):
        theirs = (await staff.page("members", f"sort={sort}&limit=1", HR))["next"]
        with pytest.raises(CursorRefused):
            await staff.page("members", f"sort={sort}&limit=1&after={theirs}", EDITOR)


async def test_a_hidden_value_cannot_be_guessed_by_setting_it(staff: Shelf) -> None:
    made = await staff.create("members", HR, **FULL)
    members = staff.records["members"]
    for pay in (4200, 4199, None):
        with pytest.raises(Forbidden):
            await members.update(EDITOR, made["id"], {"pay": pay})
    assert (await members.update(EDITOR, made["id"], {"nick": "B"})).body is not None


async def test_what_the_caller_cannot_read_counts_as_changed_whatever_is_sent(staff: Shelf) -> None:
    made = await staff.create("members", HR, **FULL)
    members = staff.records["members"]
    for field_name, right, wrong in (("pin", "4711", "4712"), ("mood", "glad", "sad")):
        versions = []
        for guess in (right, wrong):
            before = (await staff.one("members", made["id"]))["row_version"]
            await members.update(EDITOR, made["id"], {field_name: guess})
            versions.append((await staff.one("members", made["id"]))["row_version"] - before)
            await members.update(HR, made["id"], {field_name: right})
        assert versions == [1, 1], field_name


async def test_a_replacement_leaves_fields_that_the_caller_may_not_set(staff: Shelf) -> None:
    made = await staff.create("members", HR, **FULL)
    await staff.records["members"].replace(EDITOR, made["id"], {"name": "Bea"})
    seen = await staff.one("members", made["id"], by=HR)
    assert (seen["name"], seen["nick"], seen["pay"], seen["note"]) == ("Bea", None, 4200, "promote her")
    with pytest.raises(Forbidden):
        await staff.records["members"].replace(EDITOR, made["id"], {"name": "Bea", "pay": 1})
    # The control: somebody who may set it resets it by leaving it out.
    await staff.records["members"].replace(HR, made["id"], {"name": "Bea"})
    assert (await staff.one("members", made["id"], by=HR))["pay"] == 1000


async def test_masks_hold_in_batches_and_bulk(staff: Shelf) -> None:
    made = await staff.create("members", HR, **FULL)
    with pytest.raises(Forbidden):
        await staff.records.batch(EDITOR, [Operation("update", "members", made["id"], {"pay": 1})])
    with pytest.raises(Forbidden):
        await staff.records["members"].create_many(EDITOR, [{"name": "x"}, {"name": "y", "pay": 1}])
    assert len(await staff.items("members")) == 1


async def test_text_search_does_not_look_into_hidden_text(staff: Shelf) -> None:
    await staff.create("members", HR, **FULL)
    assert await staff.items("members", "q=promote", EDITOR) == []
    assert len(await staff.items("members", "q=promote", HR)) == 1
