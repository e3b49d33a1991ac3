"""What a page costs a database among few rows and among many, at the start and far behind it."""

from typing import Any
from uuid import UUID, uuid4

from bench.counting import counting
from mainstay.resources.query import Under
from tests.databases import Urls
from tests.growth.board import board, member
from tests.growth.filling import day, fill, key, moment

FEW, MANY = 300, 8_000
UNDER = Under("projects", "tasks", UUID(key(1, 1)))


def pages(rows: int) -> list[tuple[str, list[Any] | None, Under | None]]:
    """Lists of tasks and the places from which they go on: none, and others in the middle of so many rows."""
    middle = rows // 2
    here, created, due, title = key(3, middle), moment(middle).isoformat(), str(day(1)), f"task {middle:08}"
    found: list[tuple[str, list[Any] | None, Under | None]] = []
    for query, places in (
        ("", [[created, here]]),
        ("sort=title", [[title, here]]),
        ("sort=due", [[due, here], [None, here]]),
        ("sort=-due", [[due, here], [None, here]]),
        ("sort=-due,effort", [[due, 2, here], [None, 2, here]]),
        ("sort=due,-effort", [[due, 2, here], [None, 2, here]]),
        ("sort=-effort,title", [[2, title, here]]),
        ("sort=-state,-due", [["open", due, here], ["open", None, here]]),
        (f"project_id={key(1, 1)}", [[created, here]]),
        (f"owner_id={key(2, 1)}", [[created, here]]),
        ("project.name=project 1".replace(" ", "%20"), [[created, here]]),
        # A filter by equality and an order are an order of their own, which may be declared.
        (f"project_id={key(1, 1)}&sort=-title", [[title, here]]),
        ("due.is=null", [[created, here]]),
        ("state=open&sort=due", [[due, here], [None, here]]),
        ("title.gte=task%2000000100", [[created, here]]),
    ):
        found += [(query, place, None) for place in (None, *places)]
    return [*found, ("", None, UNDER), ("", [created, here], UNDER)]


async def test_pages_cost_the_same_among_many_rows_and_wherever_they_start(urls: Urls) -> None:
    async with board(urls) as looked:
        few, many = member(uuid4()), member(uuid4())
        await fill(urls, few.require_scope().tenant_id, FEW)
        await fill(urls, many.require_scope().tenant_id, MANY)
        # Levels of an index and rows that lie apart; a page that begins at the wrong end costs hundreds more.
        slack = 40 if urls.name == "postgresql" else 150
        grown = []
        async with counting(urls.database_url) as database:
            for small, large in zip(pages(FEW), pages(MANY), strict=True):
                costs = []
                for looked.by, (query, place, under) in ((few, small), (many, large)):
                    asked = await looked.bound("tasks", query, place, under=under)
                    costs.append(await database.cost(*asked, looked.by.require_scope()))
                if costs[1] > costs[0] * 1.5 + slack:
                    grown.append(f"{large[0] or 'the list'} after {large[1]}: {costs}")
        assert not grown, "\n".join(grown)
