"""Statements whose cost must not grow with the table: how each database runs them is looked at, not timed."""

import re
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from mainstay.resources.query import Under
from mainstay.storage.migrations import Plan, check, migrate
from tests.databases import Urls
from tests.growth.board import Board, Looked, board, scans, sorts

ID = "00000000-0000-7000-8000-00000000000b"
MOMENT = "2026-01-01T00:00:00.000000Z"


@pytest.fixture
async def looked(urls: Urls) -> AsyncIterator[Looked]:
    async with board(urls) as found:
        yield found


DAY = "2026-01-01"
# Each order that the declaration gives an index, and the places in it that differ in what follows them.
ORDERS: list[tuple[str, str, list[list[Any]]]] = [
    ("tasks", "", [[MOMENT, ID]]),
    ("tasks", "sort=id", [[ID]]),
    ("tasks", "sort=-id", [[ID]]),
    ("tasks", "sort=created_at", [[MOMENT, ID]]),
    ("tasks", "sort=title", [["a", ID]]),
    ("tasks", "sort=-title", [["a", ID]]),
    ("tasks", "sort=due", [[DAY, ID], [None, ID]]),
    ("tasks", "sort=-due", [[DAY, ID], [None, ID]]),
    ("tasks", "sort=-due,effort", [[DAY, 3, ID], [None, 3, ID]]),
    ("tasks", "sort=due,-effort", [[DAY, 3, ID], [None, 3, ID]]),
    ("tasks", "sort=state,due", [["open", DAY, ID], ["open", None, ID]]),
    ("tasks", "sort=-state,-due", [["open", DAY, ID], ["open", None, ID]]),
    ("tasks", "sort=-effort,title", [[3, "a", ID]]),
    ("tasks", "sort=effort,-title", [[3, "a", ID]]),
    ("projects", "sort=name", [["a", ID]]),
    ("projects", "sort=code", [["a", ID], [None, ID]]),
    ("projects", "sort=-code", [["a", ID], [None, ID]]),
]


async def test_declared_orders_come_from_an_index_and_cursors_start_inside_it(looked: Looked) -> None:
    for resource, query, places in ORDERS:
        # PostgreSQL does not take from a unique rule that the key behind it settles nothing.
        wholly = query == "sort=name"
        plan = await looked.plan(resource, query)
        assert [sorts(plan, wholly=wholly), scans(plan)] == [False, False], f"{resource}?{query}:\n{plan}"
        for place, side in ((place, side) for place in places for side in ("after", "before")):
            plan = await looked.plan(resource, query, place, side)
            asked = f"{resource}?{query} {side} {place}"
            assert [sorts(plan, wholly=wholly), scans(plan)] == [False, False], f"{asked}:\n{plan}"
            assert begins_at_the_cursor(plan), f"{asked}:\n{plan}"


def begins_at_the_cursor(plan: str) -> bool:
    """Whether each look into an index is bounded by more than the tenant: else the rows of all earlier pages are read
    again.
    """
    looks = re.findall(r"SEARCH \S+ USING .*|Index Cond: .*", plan)
    return bool(looks) and all(re.search(r"tenant_id=\? AND|\) AND \(", look) for look in looks)


async def test_later_pages_start_inside_the_index_also_below_filters_and_expansions(looked: Looked) -> None:
    for query in (
        f"project_id={ID}",
        f"owner_id={ID}",
        f"owner_id={ID}&effort=3",
        "project.name=x",
        "state=open&sort=due",
        "state=open&sort=-due",
        "effort=3&sort=-effort,title",
        "expand=project,labels",
        "expand=project&sort=-due",
        "fields=id,title&sort=-due,effort",
    ):
        place: list[Any] = [MOMENT, ID]
        if "sort=" in query:
            place = {"sort=due": [DAY, ID], "sort=-due": [DAY, ID]}.get(query.split("&")[-1], [DAY, 3, ID])
        if "title&" not in query and query.endswith("title"):
            place = [3, "a", ID]
        for start in (None, place):
            plan = await looked.plan("tasks", query, start)
            assert [sorts(plan), scans(plan)] == [False, False], f"{query} after {start}:\n{plan}"
        assert begins_at_the_cursor(plan), f"{query}:\n{plan}"


async def test_rows_below_one_parent_come_in_their_own_order_from_an_index(looked: Looked) -> None:
    for place in (None, [MOMENT, ID]):
        statement, values = await looked.bound("tasks", "", place, under=Under("projects", "tasks", UUID(ID)))
        plan = await looked.explained(statement, values)
        assert [sorts(plan), scans(plan)] == [False, False], plan
        assert begins_at_the_cursor(plan), plan


async def test_filters_start_from_the_index_of_their_field(looked: Looked) -> None:
    for resource, query, index in (
        ("tasks", f"project_id={ID}&sort=id", "project_id"),
        ("tasks", f"owner_id={ID}&sort=id", "owner_id"),
        ("tasks", "title=x&sort=id", "title"),
        ("projects", "name=x", "name"),
        ("projects", "code.in=x,y", "code"),
        ("projects", f"id.in={ID}", "id"),
        ("tasks", "project.name=x&sort=id", "project_id"),
        ("tasks", "labels.name=x&sort=id", "id"),
        ("projects", "tasks.title=x", "id"),
    ):
        plan = await looked.plan(resource, query)
        assert not scans(plan), f"{resource}?{query}:\n{plan}"
        if looked.urls.name == "sqlite":
            assert f"tenant_id=? AND {index}=?" in plan, f"{resource}?{query}:\n{plan}"


async def test_rules_on_related_rows_look_them_up_by_key_and_leave_the_order_alone(looked: Looked) -> None:
    plan = await looked.plan("tasks", "")
    assert [sorts(plan), scans(plan)] == [False, False], plan
    assert "MULTI-INDEX OR" not in plan, plan


async def test_a_filter_that_many_rows_pass_leaves_the_order_to_its_index(looked: Looked) -> None:
    # Without the figures of a large table SQLite finds the rows by their title and then sorts all of them.
    for query in ("title.gt=x&sort=id", "state=open&title.gt=x", "state.ne=closed&sort=-title"):
        plan = await looked.plan("tasks", query)
        assert [sorts(plan), scans(plan)] == [False, False], plan


async def test_expanding_looks_into_an_index_for_each_parent_s_first_rows(looked: Looked) -> None:
    for resource, query in (("projects", "expand=tasks"), ("tasks", "expand=labels"), ("tasks", "expand=project")):
        for plan in await looked.windows(resource, query):
            assert not scans(plan), plan
            assert not re.search("WindowAgg|CO-ROUTINE", plan), plan


async def test_a_list_without_an_index_for_its_order_is_known_to_be_slow(looked: Looked) -> None:
    records = looked.shelf.records["tasks"]
    for query, slow in (
        ("", False),
        ("sort=-effort,title", False),
        ("sort=title", False),
        ("sort=updated_at", True),
        ("title.contains=x", True),
        ("count=exact", True),
        ("page=2", True),
        ("offset=100", False),
    ):
        plan, _, _, _ = await records._planner.rows(records.entry, looked.by, records.read_query(query.encode()))
        assert plan.statement.slow is slow, query


async def test_indexes_of_orders_are_made_once_and_follow_the_declaration(urls: Urls) -> None:
    async with board(urls) as looked:
        database = looked.shelf.database
        plan = Plan(app=[Board.metadata])
        assert await check(database, plan) == []
        assert await migrate(database, plan) == []
        quoted = "DROP INDEX tasks_created_at_desc_mainstay_order"
        await database.administer(lambda connection: connection.exec_driver_sql(quoted))
        assert await migrate(database, plan) == ["index the order tasks_created_at_desc_mainstay_order"]
