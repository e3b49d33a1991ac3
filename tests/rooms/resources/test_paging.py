"""Pages by cursor, by number and by offset."""

import pytest

from mainstay.base.errors import CursorRefused
from tests.rooms.resources.library import OTHER_TENANT, Shelf, caller


async def test_rows_that_come_and_go_meanwhile_do_not_disturb_the_others(library: Shelf) -> None:
    made = [await library.create("books", title=f"{n:02}", stock=n) for n in range(10)]
    page = await library.page("books", "sort=title&limit=3")
    seen = [row["title"] for row in page["items"]]
    # The row that the cursor stands on goes away; others come before and after it.
    await library.records["books"].delete(library.admin, made[2]["id"])
    await library.create("books", title="00a")
    await library.create("books", title="05a")
    while page["next"]:
        page = await library.page("books", f"sort=title&limit=3&after={page['next']}")
        seen += [row["title"] for row in page["items"]]
    assert [title for title in seen if title != "05a"] == [f"{n:02}" for n in range(10)]


async def test_a_cursor_is_of_no_use_elsewhere(library: Shelf) -> None:
    for number in range(3):
        await library.create("books", title=f"{number}", stock=1)
        await library.create("tags", name=f"{number}")
        await library.create("books", caller("admin", tenant=OTHER_TENANT), title=f"{number}", stock=1)
    cursor = (await library.page("books", "sort=title&stock=1&limit=1"))["next"]
    assert (await library.page("books", f"sort=title&stock=1&limit=2&after={cursor}"))["items"][0]["title"] == "1"
    for name, query, who in (
        ("books", "sort=-title&stock=1", library.admin),
        ("books", "sort=title", library.admin),
        ("books", "sort=title&stock=2", library.admin),
        ("books", "sort=title&stock=1&q=1", library.admin),
        ("books", "sort=title&stock=1", caller("admin", tenant=OTHER_TENANT)),
        ("tags", "sort=name", library.admin),
    ):
        with pytest.raises(CursorRefused):
            await library.page(name, f"{query}&after={cursor}", by=who)


async def test_a_first_page_leads_forward_only_and_a_last_one_back_only(library: Shelf) -> None:
    for name in "abc":
        await library.create("tags", name=name)
    first = await library.page("tags", "sort=name&limit=2")
    assert [tag["name"] for tag in first["items"]] == ["a", "b"]
    assert first["prev"] is None
    last = await library.page("tags", f"sort=name&limit=2&after={first['next']}")
    assert [tag["name"] for tag in last["items"]] == ["c"]
    assert last["next"] is None
    back = await library.page("tags", f"sort=name&limit=2&before={last['prev']}")
    assert back["items"] == first["items"]
    assert back["prev"] is None
    assert set(first) == {"items", "next", "prev"}


async def test_pages_by_number_carry_totals(library: Shelf) -> None:
    for number in range(5):
        await library.create("tags", name=f"{number}")
    page = await library.page("tags", "sort=name&page=2&size=2")
    assert [tag["name"] for tag in page["items"]] == ["2", "3"]
    told = {name: page[name] for name in ("page", "size", "total", "pages", "has_next", "has_prev")}
    assert told == {"page": 2, "size": 2, "total": 5, "pages": 3, "has_next": True, "has_prev": True}
    beyond = await library.page("tags", "page=9&size=2")
    assert (beyond["items"], beyond["has_next"], beyond["total"]) == ([], False, 5)
    empty = await library.page("tags", "page=1&name=none")
    assert (empty["total"], empty["pages"], empty["has_next"], empty["has_prev"]) == (0, 0, False, False)


async def test_pages_by_offset_and_counts_on_request(library: Shelf) -> None:
    for number in range(5):
        await library.create("tags", name=f"{number}")
    page = await library.page("tags", "sort=-name&offset=3&limit=1&count=exact")
    assert ([tag["name"] for tag in page["items"]], page["count"]) == (["1"], 5)
    after = await library.page("tags", f"sort=-name&after={page['next']}&count=estimated")
    assert ([tag["name"] for tag in after["items"]], after["count"]) == (["0"], 5)


async def test_the_count_is_of_what_the_caller_sees(library: Shelf) -> None:
    await library.create("books", title="Draft")
    await library.create("books", title="Out", status="published")
    assert (await library.page("books", "count=exact"))["count"] == 2
    assert (await library.page("books", "count=exact", by=caller()))["count"] == 1
