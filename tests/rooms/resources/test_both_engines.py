"""The same rows are the same bytes, whichever database holds them."""

from datetime import UTC, datetime
from uuid import UUID

from tests.databases import Urls
from tests.rooms.resources.library import Shelf, caller, shelf

ME = UUID(int=7)
QUERIES = (
    b"sort=title",
    b"sort=-seen_at,price",
    b"sort=summary&fields=title,summary,label",
    b"q=words&count=exact",
    b"page=1&size=2&sort=-stock",
    b"expand=author.country,tags&sort=id",
    b"labels.has=x",
    b"title.contains=LPH&count=estimated",
    b"price.gte=0.5&rating.lt=1e300",
)
ROWS = [
    {"title": "alpha", "price": "0.5", "stock": -(2**63), "rating": 0.1, "labels": ["x", "é"], "lent": True},
    {"title": "Beta words", "rating": 1e16, "seen_at": "2026-01-02T03:04:05Z", "details": {"bb": 1, "a": [1.5, None]}},
    {"title": "ALPHA", "price": "99999999999999.9999", "seen_at": "0999-12-31T23:59:59.999999Z", "cost": 3},
    {"title": "é\u2028", "stock": 2**63 - 1, "rating": 5e-324, "published_on": "0001-01-01", "summary": ""},
]


class Still:
    """A clock that stands."""

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC)

    def monotonic(self) -> float:
        return 0.0


async def bodies(urls: Urls) -> list[tuple[bytes, str]]:
    me = caller("admin", user=ME)
    async with shelf(urls, clock=Still()) as library:
        await library.records["countries"].create_many(me, [{"id": key(1), "name": "UK"}], keep_keys=True)
        author = {"id": key(2), "name": "Jane", "country_id": key(1)}
        await library.records["authors"].create_many(me, [author], keep_keys=True)
        await library.records["tags"].create_many(me, [{"id": key(3), "name": "red"}], keep_keys=True)
        rows = [{"id": key(10 + n), "author_id": key(2), "tag_ids": [key(3)], **row} for n, row in enumerate(ROWS)]
        written = await library.records["books"].create_many(me, rows, keep_keys=True)
        found = [(each.body or b"", each.etag or "") for each in written]
        changed = await library.records["books"].update(me, key(10), {"price": "1", "details": {"z": 1, "y": 2}})
        found.append((changed.body or b"", changed.etag or ""))
        found += [await page(library, query) for query in QUERIES]
        return found


async def page(library: Shelf, query: bytes) -> tuple[bytes, str]:
    books = library.records["books"]
    answer = await books.page(library.admin, books.read_query(query))
    return answer.body, answer.etag


def key(number: int) -> str:
    return str(UUID(int=number))


async def test_bodies_and_tags_are_the_same_on_both_databases(sqlite_urls: Urls, postgresql_urls: Urls) -> None:
    here, there = await bodies(sqlite_urls), await bodies(postgresql_urls)
    assert len(here) == len(ROWS) + 1 + len(QUERIES)
    for mine, theirs in zip(here, there, strict=True):
        assert mine == theirs
