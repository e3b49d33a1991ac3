"""Hooks and checks of the user's, around the changes of records."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Mapped, Session

from mainstay.access import Access, anyone
from mainstay.base.errors import Invalid
from mainstay.model import Resource, after, before, check, field, within
from tests.databases import Urls
from tests.rooms.resources.library import Shelf, shelf

told: list[Any] = []


class Guests(Resource, family=True):
    __abstract__ = True


class Guest(Guests):
    """Somebody who stays."""

    __tablename__ = "guests"
    name: Mapped[str] = field(max_length=50)
    slug: Mapped[str | None] = field(write=False)
    stays: Mapped[int] = field(default=0)
    __access__ = Access(read=anyone, write=anyone)

    @before("create", "update")
    def make_slug(self) -> None:
        self.slug = self.name.lower().replace(" ", "-")

    @before("delete")
    async def stay_for_good(self) -> None:
        if self.name == "Immortal":
            raise ValueError("This guest stays.")

    @after()
    async def tell(self) -> None:
        told.append((self.name, self.slug))
        if self.name == "Loud":
            raise RuntimeError("A hook that fails after the commit.")

    @within("create")
    def at_most_three(cls, session: Session, row: Any) -> None:
        if len(session.scalars(select(Guest)).all()) > 3:
            raise Invalid("The house is full.")

    @check(database=True)
    async def is_no_namesake(self, records: Any) -> None:
        own = self.get("id")  # type: ignore[attr-defined]  # a check is handed the draft, which is a mapping too
        if await records(Guest).exists(name=self.name, id__ne=own):
            raise ValueError("That name is taken.")


@pytest.fixture
async def house(urls: Urls) -> AsyncIterator[Shelf]:
    told.clear()
    async with shelf(urls, (Guest,), Guests) as opened:
        yield opened


async def test_before_hooks_change_the_draft_and_after_hooks_see_the_row(house: Shelf) -> None:
    ada = await house.create("guests", name="Ada L")
    assert ada["slug"] == "ada-l"
    await house.records["guests"].update(house.admin, ada["id"], {"name": "Ada K"})
    assert (await house.one("guests", ada["id"]))["slug"] == "ada-k"
    assert told == [("Ada L", "ada-l"), ("Ada K", "ada-k")]


async def test_a_hook_that_fails_afterwards_undoes_nothing(house: Shelf, caplog: pytest.LogCaptureFixture) -> None:
    await house.create("guests", name="Loud")
    assert len(await house.items("guests")) == 1
    assert "after-create hook" in caplog.text


async def test_a_hook_may_refuse_before_the_deletion(house: Shelf) -> None:
    row = await house.create("guests", name="Immortal")
    with pytest.raises(Invalid) as refused:
        await house.records["guests"].delete(house.admin, row["id"])
    assert [error.message for error in refused.value.errors] == ["This guest stays."]
    assert len(await house.items("guests")) == 1


async def test_a_hook_within_the_transaction_may_undo_it(house: Shelf) -> None:
    for name in ("a", "b", "c"):
        await house.create("guests", name=name)
    with pytest.raises(Invalid, match="The house is full"):
        await house.create("guests", name="d")
    assert len(await house.items("guests")) == 3


async def test_a_check_may_look_rows_up(house: Shelf) -> None:
    ada = await house.create("guests", name="Ada")
    with pytest.raises(Invalid) as refused:
        await house.create("guests", name="Ada")
    assert [error.message for error in refused.value.errors] == ["That name is taken."]
    await house.records["guests"].update(house.admin, ada["id"], {"stays": 2})
