"""Whatever is sent: the right status, a problem document, no SQL and no traceback, and nothing half-written."""

import json
import re
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tests.rooms.resources.rest.library import Library

NOWHERE = "0190f6a2-7c1e-7000-8000-3f2b8c0d9e11"
HOSTILE = [
    "'; DROP TABLE books; --",
    '" OR 1=1 --',
    "%",
    "_",
    "\\",
    "%%'",
    "*",
    '"',
    "(",
    "a AND",
    "NEAR(",
    "title:x",
    "-x",
    "^a",
    "a*",
    "''",
    "a' OR 'a'='a",
    "$1",
    ":tenant",
    "?",
    "\u202e",
    "\U0001f600" * 20,
    "\ufeff",
    "\u017f",
    "\u0130",
    "a\tb\nc",
    "null",
    "NaN",
    "1e999",
    "{}",
    "[]",
    "<script>",
    "../..",
]
LEAKS = re.compile(r"Traceback|sqlite|asyncpg|sqlalchemy|SELECT |INSERT |UPDATE |syntax error|/src/", re.IGNORECASE)


def told(answer: httpx.Response, *statuses: int) -> dict[str, Any]:
    """The problem document of a refusal with one of these statuses."""
    assert answer.status_code in statuses, f"{answer.status_code}: {answer.text[:500]}"
    assert answer.headers["content-type"] == "application/problem+json"
    assert not LEAKS.search(answer.text), answer.text[:2000]
    problem: dict[str, Any] = answer.json()
    assert {"type", "title", "status", "detail", "instance", "code", "request_id"} <= set(problem)
    assert problem["status"] == answer.status_code
    return problem


def fine(answer: httpx.Response) -> None:
    assert answer.status_code == 200, answer.text[:500]
    assert isinstance(answer.json()["items"], list)


MALFORMED: list[tuple[bytes, int]] = [
    (b"", 400),
    (b"{", 400),
    (b'{"name": "Ada"', 400),
    (b'{"name": "Ada",}', 400),
    (b"{'name': 'Ada'}", 400),
    (b'{"name": NaN}', 400),
    (b'{"name": "Ada", "name": "Bea"}', 400),
    (b'{"name": "\\u0000"}', 400),
    (b'{"name": "a\\u0000b"}', 400),
    (b'{"na\\u0000me": "a"}', 400),
    (b'{"name": "\\ud800"}', 400),
    (b'{"name": "\\udc00\\ud800"}', 400),
    (b'{"name": "\xff\xfe"}', 400),
    (b'{"name": "\xed\xa0\x80"}', 400),
    (b'\xef\xbb\xbf{"name": "Ada"}', 400),
    (b'{"name": "Ada"} x', 400),
    (b"[" * 100_000, 400),
    (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, 400),
    (b'{"name": ' + b"9" * 5_000 + b"}", 400),
    (b'{"name": 1e999999}', 400),
    (b'{"name": "' + b"x" * 10_000_000 + b'"}', 413),
    (b"null", 422),
    (b"3", 422),
    (b'"Ada"', 422),
    (b"[]", 422),
    (b"[null]", 422),
    (b"[[]]", 422),
    (b"{}", 422),
    (b'{"name": null}', 422),
    (b'{"name": 3}', 422),
    (b'{"name": true}', 422),
    (b'{"name": ["Ada"]}', 422),
    (b'{"name": {"a": 1}}', 422),
    (b'{"name": "Ada", "id": "0190f6a2-7c1e-7000-8000-3f2b8c0d9e11"}', 422),
    (b'{"name": "Ada", "tenant_id": "00000000-0000-7000-8000-000000000002"}', 422),
    (b'{"name": "Ada", "row_version": 7}', 422),
    (b'{"name": "Ada", "book_count": 7}', 422),
    (b'{"name": "Ada", "nmae": 1}', 422),
    (b'{"name": "Ada", "": 1}', 422),
    (b'{"name": "Ada", "__class__": {}}', 422),
]


async def test_a_body_that_cannot_be_taken_is_refused_and_nothing_is_written(library: Library) -> None:
    row = await library.author("Zoe")
    before = await library.sizes()
    for body, status in MALFORMED:
        for method, path in (
            ("POST", "/authors"),
            ("PUT", f"/authors/{row['id']}"),
            ("PATCH", f"/authors/{row['id']}"),
        ):
            answer = await library.client.request(
                method, f"/api/v1{path}", content=body, headers={"Content-Type": "application/json"}
            )
            if (method, body) == ("PATCH", b"{}"):
                assert answer.status_code == 200
                continue
            # A PUT or PATCH of a list is as wrong as an empty list in a POST.
            problem = told(answer, status)
            if status == 422:
                assert problem["errors"], (method, body[:60])
                assert all(error["loc"][0] == "body" for error in problem["errors"])
    assert (await library.client.get(f"/api/v1/authors/{row['id']}")).json()["name"] == "Zoe"
    after = await library.sizes()
    # The empty merge patch changed nothing, and may have told so.
    after["mainstay_outbox"] = before["mainstay_outbox"]
    assert after == before


async def test_a_chunked_body_over_the_limit_is_refused(library: Library) -> None:
    async def chunks() -> Any:
        for _ in range(300):
            yield b" " * 1000

    answer = await library.client.post(
        "/api/v1/authors", content=chunks(), headers={"Content-Type": "application/json"}
    )
    told(answer, 413)


WRONG_VALUES: list[tuple[str, Any]] = [
    ("title", ""),
    ("title", "x" * 201),
    ("title", 3),
    ("title", None),
    ("price", "0"),
    ("price", 0),
    ("price", -1),
    ("price", "1.23456"),
    ("price", 1.23456),
    ("price", "1e3"),
    ("price", "NaN"),
    ("price", "Infinity"),
    ("price", "\u0661"),
    ("price", "1" * 30),
    ("price", True),
    ("price", ""),
    ("price", " 1"),
    ("price", "1_0"),
    ("pages", 1.5),
    ("pages", "1"),
    ("pages", True),
    ("pages", -1),
    ("pages", 2**63),
    ("pages", -(2**63) - 1),
    ("pages", 10**300),
    ("status", "nonsense"),
    ("status", "PUBLISHED"),
    ("status", 1),
    ("sold_at", "2026-01-31"),
    ("sold_at", "2026-01-31T12:00:00"),
    ("sold_at", "2026-02-30T12:00:00Z"),
    ("sold_at", 0),
    ("sold_at", "0001-01-01T00:00:00+14:00"),
    ("words", "a"),
    ("words", [1]),
    ("words", [None]),
    ("words", {"a": 1}),
    ("extra", []),
    ("extra", "x"),
    ("author_id", "x"),
    ("author_id", 3),
    ("author_id", None),
    ("isbn", "x" * 14),
    ("owner_id", NOWHERE),
]


async def test_a_value_of_the_wrong_kind_is_422_and_named(library: Library) -> None:
    author = await library.author()
    before = await library.sizes()
    for name, value in WRONG_VALUES:
        body = {"title": "Emma", "price": "1", "author_id": author["id"], name: value}
        answer = await library.client.post(
            "/api/v1/books", content=json.dumps(body), headers={"Content-Type": "application/json"}
        )
        problem = told(answer, 422)
        assert [error["loc"][:2] for error in problem["errors"]] == [["body", name]], (name, value)
    assert await library.sizes() == before


async def test_references_to_nothing_and_to_another_tenant_are_refused_alike(library: Library) -> None:
    foreign = await library.client.post("/api/v1/authors", json={"name": "Eve"}, headers={"X-Tenant": "other"})
    own = await library.author()
    book = await library.book(author_id=own["id"])
    before = await library.sizes()
    problems = []
    for key in (NOWHERE, foreign.json()["id"]):
        body = {"title": "Emma", "price": "1", "author_id": key}
        problems.append(told(await library.client.post("/api/v1/books", json=body), 409))
        told(await library.client.post("/api/v1/books", json=[{**body, "author_id": own["id"]}, body]), 409)
        told(await library.client.patch(f"/api/v1/books/{book['id']}", json={"author_id": key}), 409)
        told(await library.client.put(f"/api/v1/books/{book['id']}", json=body), 409)
        told(await library.client.get(f"/api/v1/authors/{foreign.json()['id']}"), 404)
        told(await library.client.get(f"/api/v1/authors/{foreign.json()['id']}/books"), 404)
        told(await library.client.delete(f"/api/v1/authors/{foreign.json()['id']}"), 404)
    assert problems[0]["errors"] == problems[1]["errors"]
    assert problems[0]["errors"][0]["loc"] == ["body", "author_id"]
    told(await library.client.delete(f"/api/v1/authors/{own['id']}"), 409)
    assert await library.sizes() == before


async def test_a_value_that_is_taken_is_409_with_its_field(library: Library) -> None:
    author = await library.author()
    await library.book(isbn="1", author_id=author["id"])
    before = await library.sizes()
    body = {"title": "Emma", "price": "1", "author_id": author["id"], "isbn": "1"}
    problem = told(await library.client.post("/api/v1/books", json=body), 409)
    assert problem["errors"][0]["loc"] == ["body", "isbn"]
    told(await library.client.post("/api/v1/books", json=[{**body, "isbn": "2"}, body]), 409)
    assert await library.sizes() == before


WRONG_QUERIES = [
    "limit=0",
    "limit=-1",
    "limit=201",
    "limit=99999999999999999999",
    "limit=1.0",
    "limit=+1",
    "limit=%D9%A1",
    "limit=",
    "limit=1&limit=1",
    "page=0",
    "page=-1",
    "page=99999999999999",
    "size=0",
    "offset=-1",
    "offset=99999999999999999999",
    "count=many",
    "sort=",
    "sort=nothing",
    "sort=--title",
    "sort=title;drop",
    "sort=extra",
    "sort=author.name",
    "sort=title,,price",
    "fields=",
    "fields=nothing",
    "fields=tenant_id",
    "expand=",
    "expand=nothing",
    "expand=author.nothing",
    "expand=author.books.author.books",
    "after=",
    "after=x",
    "after=%00",
    "before=AAAA",
    "after=" + "A" * 9000,
    "nothing=1",
    "tilte=x",
    "title.nothing=x",
    "title.eq.eq=x",
    "title=a&title=a",
    "title=a&title.eq=a",
    "tenant_id=x",
    "price=abc",
    "price.lte=",
    "price=1e5",
    "pages=1.5",
    "pages.in=1,,2",
    "status=nonsense",
    "status.in=draft,x",
    "sold_at.gt=yesterday",
    "id=x",
    "id.in=x",
    "author.nothing=1",
    "author.books.author.books.title=x",
    "extra=x",
    "title.is=maybe",
    'title.in="a',
    'title.in=a"b',
    "title=%00",
    "%00=1",
    "title=%FF",
    "title=%",
    "title=%zz",
    "q=%00",
    "fields=title&fields=id",
    "=1",
    "&".join(f"x{n}=1" for n in range(600)),
]


async def test_a_query_that_cannot_be_taken_is_400_and_named(library: Library) -> None:
    for query in WRONG_QUERIES:
        answer = await library.client.get(f"/api/v1/books?{query}")
        assert answer.status_code == 400, f"{query[:80]}: {answer.text[:300]}"
        problem = told(answer, 400)
        assert problem.get("errors") or "query string" in problem["detail"], query[:80]
        assert all(error["loc"][0] == "query" for error in problem.get("errors", []))


async def test_an_unknown_parameter_names_the_nearest(library: Library) -> None:
    problem = told(await library.client.get("/api/v1/books?tilte=x"), 400)
    assert problem["code"] == "unknown_parameter"
    assert "title" in json.dumps(problem["errors"])


async def test_parameters_that_belong_to_lists_are_refused_elsewhere(library: Library) -> None:
    book = await library.book()
    before = await library.sizes()
    for method, path, body in (
        ("GET", f"/books/{book['id']}?limit=1", None),
        ("PATCH", f"/books/{book['id']}?title=x", {"title": "x"}),
        ("DELETE", f"/books/{book['id']}?force=1", None),
        ("POST", "/authors?limit=1", {"name": "x"}),
        ("POST", "/batch?dry=1", {"operations": [{"method": "POST", "path": "/authors", "body": {"name": "x"}}]}),
    ):
        told(await library.client.request(method, f"/api/v1{path}", json=body), 400)
    assert await library.sizes() == before


async def test_hostile_values_in_every_filter_are_only_values(library: Library) -> None:
    for text in HOSTILE:
        await library.book(title=text)
    before = await library.sizes()
    for text in HOSTILE:
        for operator in ("eq", "ne", "lt", "gte", "contains", "startswith", "endswith"):
            answer = await library.client.get("/api/v1/books", params={f"title.{operator}": text, "limit": "200"})
            fine(answer)
            titles = [row["title"] for row in answer.json()["items"]]
            assert (text in titles) == (operator in ("eq", "gte", "contains", "startswith", "endswith")), (
                operator,
                text,
            )
        quoted = '"' + text.replace('"', '""') + '"'
        found = await library.client.get("/api/v1/books", params={"title.in": quoted})
        assert [row["title"] for row in found.json()["items"]] == [text]
        fine(await library.client.get("/api/v1/books", params={"q": text}))
        fine(await library.client.get("/api/v1/books", params={"author.name": text}))
        fine(await library.client.get("/api/v1/books", params={"words": text}))
    assert await library.sizes() == before


async def test_hostile_names_are_refused_everywhere(library: Library) -> None:
    await library.book()
    before = await library.sizes()
    for text in HOSTILE:
        told(await library.client.get("/api/v1/books?" + quote(text, safe="") + "=1"), 400)
        for control in ("sort", "fields", "expand"):
            told(await library.client.get("/api/v1/books", params={control: text}), 400)
        told(await library.client.get("/api/v1/" + quote(text, safe="") + "/x"), 404)
        told(await library.client.get("/api/v1/books/" + quote(text, safe="")), 404)
        told(await library.client.patch("/api/v1/books/" + quote(text, safe=""), json={}), 404)
        told(await library.client.delete("/api/v1/books/" + quote(text, safe="")), 404)
        told(await library.client.post("/api/v1/authors", json={"name": "a", text: 1}), 422)
    assert await library.sizes() == before


async def test_a_cursor_of_another_query_tenant_or_hand_is_refused(library: Library) -> None:
    for number in range(3):
        await library.author(f"Author {number}")
    first = (await library.client.get("/api/v1/authors?limit=1&sort=name")).json()
    cursor = first["next"]
    good = await library.client.get(f"/api/v1/authors?limit=1&sort=name&after={cursor}")
    assert [row["name"] for row in good.json()["items"]] == ["Author 1"]
    flipped = [cursor[:at] + ("A" if cursor[at] != "A" else "B") + cursor[at + 1 :] for at in range(len(cursor))]
    forged = [*flipped, cursor[:-1], cursor[1:], cursor + "A", cursor + "=", cursor + "%20", cursor[:10], cursor * 2]
    for each in forged:
        told(await library.client.get(f"/api/v1/authors?limit=1&sort=name&after={each}"), 400)
    for query in ("sort=-name", "sort=created_at", "sort=name&name=Author%201", "sort=name&q=author"):
        told(await library.client.get(f"/api/v1/authors?limit=1&{query}&after={cursor}"), 400)
    told(await library.client.get(f"/api/v1/tags?limit=1&sort=name&after={cursor}"), 400)
    abroad = {"X-Tenant": "other"}
    told(await library.client.get(f"/api/v1/authors?limit=1&sort=name&after={cursor}", headers=abroad), 400)


@pytest.mark.parametrize("token", ["nobody", "", "a b", "\u00e9"])
async def test_a_token_that_proves_nothing_is_401(library: Library, token: str) -> None:
    library.client.headers.pop("Authorization")
    headers = [(b"Authorization", f"Bearer {token}".encode("latin-1"))]
    answer = await library.client.get("/api/v1/books", headers=headers)
    told(answer, 401)
    assert answer.headers["www-authenticate"].startswith("Bearer")
