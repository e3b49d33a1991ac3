"""Whatever is sent: the right status, a problem document, no SQL and no traceback, and nothing half-written."""

import json
from typing import Any

from tests.rooms.resources.rest.library import Library
from tests.rooms.resources.rest.told import told

NOWHERE = "0190f6a2-7c1e-7000-8000-3f2b8c0d9e11"
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
