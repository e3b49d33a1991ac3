"""Reads that a caller repeats: answered in one step, and refused like any other as soon as anything has changed."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from mainstay import Mainstay
from mainstay.assembly.dispatch import lanes
from mainstay.limits import LimitsOptions
from tests.databases import Urls
from tests.journeys.shop import a_book, shop, signed_in_as

BOOKS = "/api/v1/books"


@dataclass
class Repeating:
    """An app with one signed-in caller, who owns a book."""

    app: Mainstay
    client: httpx.AsyncClient
    headers: dict[str, str]
    book: dict[str, Any]

    async def get(self, path: str, **headers: str) -> httpx.Response:
        return await self.client.get(path, headers={**self.headers, **headers})

    async def warm(self, path: str) -> httpx.Response:
        """The same request until its lane is laid; the last answer."""
        for _ in range(3):
            answer = await self.get(path)
        return answer

    @property
    def laid(self) -> int:
        """How many lanes there are."""
        remembered = self.app.rooms.identity._room.remembered._by_digest
        return sum(len(verified.lanes) for verified in remembered.values())


@pytest.fixture
async def repeating(sqlite_urls: Urls) -> AsyncIterator[Repeating]:
    app = shop(sqlite_urls, limits=LimitsOptions(tiers={"free": "100000/hour"}))
    async with app.running():
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            headers = await signed_in_as(client)
            yield Repeating(app, client, headers, await a_book(client, headers))


def told(answer: httpx.Response) -> dict[str, str]:
    """The headers but those that tell of this very request."""
    passing = ("x-request-id", "ratelimit", "x-ratelimit-remaining", "x-ratelimit-reset")
    return {name: value for name, value in answer.headers.items() if name not in passing}


async def test_a_repeated_read_says_what_the_ordinary_way_says(repeating: Repeating) -> None:
    row = f"{BOOKS}/{repeating.book['id']}"
    for path in (BOOKS, f"{BOOKS}?limit=1", row, f"{BOOKS}?fields=id,title"):
        first = await repeating.get(path)
        before = repeating.laid
        again = await repeating.warm(path)
        assert repeating.laid == before + 1, path
        assert (again.status_code, again.content, told(again)) == (200, first.content, told(first))
        assert again.headers["x-request-id"] != first.headers["x-request-id"]


async def test_what_was_written_meanwhile_is_seen_and_what_was_deleted_is_gone(repeating: Repeating) -> None:
    row = f"{BOOKS}/{repeating.book['id']}"
    await repeating.warm(row)
    await repeating.client.patch(row, json={"title": "Another"}, headers=repeating.headers)
    assert (await repeating.get(row)).json()["title"] == "Another"
    await repeating.client.delete(row, headers=repeating.headers)
    assert (await repeating.get(row)).status_code == 404


async def test_a_session_that_ended_is_refused(repeating: Repeating) -> None:
    await repeating.warm(BOOKS)
    await repeating.client.post("/auth/sign-out", headers=repeating.headers)
    assert (await repeating.get(BOOKS)).status_code == 401
    assert repeating.laid == 0


async def test_every_repeated_read_is_counted_once(repeating: Repeating) -> None:
    row = f"{BOOKS}/{repeating.book['id']}"
    await repeating.warm(row)
    admitted = repeating.app.rooms.limiter.admitted
    await repeating.get(row)
    # Its lane finds nothing, and the ordinary way says so.
    await repeating.get(f"{BOOKS}/0190f6a2-0000-7000-8000-000000000001")
    assert repeating.app.rooms.limiter.admitted == admitted + 2


async def test_maintenance_holds_for_repeated_reads(repeating: Repeating) -> None:
    await repeating.warm(BOOKS)
    await repeating.app.rooms.maintenance.begin()
    assert (await repeating.get(BOOKS)).status_code == 503


async def test_a_caller_who_holds_the_bytes_is_told_so(repeating: Repeating) -> None:
    known = await repeating.warm(BOOKS)
    answer = await repeating.get(BOOKS, **{"If-None-Match": known.headers["etag"]})
    assert (answer.status_code, answer.content) == (304, b"")


async def test_a_page_beyond_a_cursor_has_one_lane_for_all_cursors(repeating: Repeating) -> None:
    for _ in range(3):
        await a_book(repeating.client, repeating.headers)
    path, seen = f"{BOOKS}?limit=1", []
    for _ in range(4):
        page = (await repeating.warm(path)).json()
        seen += [item["id"] for item in page["items"]]
        path = f"{BOOKS}?limit=1&after={page['next']}"
    assert len(set(seen)) == 4
    assert repeating.laid == 2
    assert (await repeating.get(f"{BOOKS}?limit=1&after=AAAA")).status_code == 400


@pytest.mark.parametrize(
    "sent",
    [
        [(b"authorization", b"Bearer nobody"), None],
        [None, (b"authorization", b"Bearer nobody")],
        [None, (b"x-request-id", b"first-of-two"), (b"x-request-id", b"second-of-two")],
    ],
    ids=["proof-twice", "proof-twice-turned", "another-twice"],
)
async def test_of_headers_that_stand_twice_none_is_chosen_by_a_lane(repeating: Repeating, sent: list[Any]) -> None:
    await repeating.warm(BOOKS)
    proof = (b"authorization", repeating.headers["Authorization"].encode())
    headers = [proof if each is None else each for each in sent]
    answer = await repeating.client.get(BOOKS, headers=headers)
    assert answer.status_code == (200 if sent[1] and b"request" in sent[1][0] else 401)


async def test_other_spellings_of_a_path_take_the_ordinary_way(repeating: Repeating) -> None:
    row = f"{BOOKS}/{repeating.book['id']}"
    await repeating.warm(row)
    assert (await repeating.get(f"/api/v1/books%2F{repeating.book['id']}")).status_code == 404
    assert (await repeating.get(row.upper().replace("/API/V1/BOOKS", BOOKS))).status_code == 200
    assert (await repeating.get(f"{row}/")).status_code == 404


async def test_what_a_token_keeps_is_bounded(repeating: Repeating) -> None:
    for limit in range(1, lanes.EACH + 10):
        await repeating.warm(f"{BOOKS}?limit={limit}")
    assert 0 < repeating.laid <= lanes.EACH


async def test_what_all_tokens_keep_is_bounded(repeating: Repeating, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes, "ALL", 3)
    for limit in range(1, 9):
        await repeating.warm(f"{BOOKS}?limit={limit}")
    assert repeating.laid == 3
