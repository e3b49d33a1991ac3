"""A batch is done wholly or not at all, and says which operation was refused."""

from typing import Any

from tests.rooms.resources.rest.library import Library

NOWHERE = "0190f6a2-7c1e-7000-8000-3f2b8c0d9e11"


async def send(library: Library, *operations: Any, **headers: str) -> Any:
    return await library.client.post("/api/v1/batch", json={"operations": list(operations)}, headers=headers)


def operation(method: str, path: str, body: Any = None, **more: Any) -> dict[str, Any]:
    return {"method": method, "path": path, **({} if body is None else {"body": body}), **more}


async def test_operations_are_done_in_order_in_one_transaction(library: Library) -> None:
    author, other = await library.author("Ada"), await library.author("Bea")
    tag = (await library.client.get(f"/api/v1/authors/{author['id']}")).headers["etag"]
    before = await library.sizes()
    answer = await send(
        library,
        operation("POST", "/books", {"title": "Emma", "price": "3", "author_id": author["id"]}),
        operation("PATCH", f"/authors/{author['id']}", {"name": "Cleo"}, headers={"If-Match": tag}),
        operation("PUT", f"/api/v1/tags/{NOWHERE}", {"name": "poetry"}),
        operation("DELETE", f"/authors/{other['id']}"),
    )
    assert answer.status_code == 200, answer.text
    results = answer.json()["results"]
    assert [each["status"] for each in results] == [201, 200, 201, 204]
    assert results[0]["headers"]["Location"] == f"/api/v1/books/{results[0]['body']['id']}"
    assert results[1]["body"]["name"] == "Cleo"
    assert results[3]["body"] is None
    after = await library.sizes()
    assert after["mainstay_outbox"] == before["mainstay_outbox"] + 4
    assert (after["books"], after["tags"], after["authors"]) == (1, 1, before["authors"] - 1)


REFUSED: list[tuple[Any, int]] = [
    (operation("POST", "/authors", {"name": 3}), 422),
    (operation("POST", "/authors", {"name": "Ada", "nonsense": 1}), 422),
    (operation("POST", "/books", {"title": "E", "price": 1, "author_id": NOWHERE}), 409),
    (operation("POST", "/tags", {"name": "taken"}), 409),
    (operation("PATCH", f"/authors/{NOWHERE}", {"name": "Ada"}), 404),
    (operation("DELETE", f"/authors/{NOWHERE}"), 404),
    (operation("DELETE", "/authors/nonsense"), 404),
    (operation("POST", "/nothing", {}), 404),
    (operation("POST", "/batch", {}), 404),
    (operation("DELETE", f"/notes/{NOWHERE}"), 405),
    (operation("GET", "/authors"), 405),
    (operation("POST", "/authors"), 422),
    (operation("DELETE", f"/authors/{NOWHERE}", {"name": "x"}), 422),
    (operation("POST", "/authors", {"name": "Ada"}, headers={"X-Tenant": "other"}), 422),
    (operation("POST", "/authors", {"name": "Ada"}, query="x"), 422),
    ("nonsense", 422),
]


async def test_one_refused_operation_undoes_them_all_and_is_named(library: Library) -> None:
    await library.create("tags", name="taken")
    before = await library.sizes()
    first = operation("POST", "/authors", {"name": "Ada"})
    for last, status in REFUSED:
        answer = await send(library, first, first, last)
        assert answer.status_code == status, (last, answer.text)
        assert answer.json()["operation"] == 2, (last, answer.text)
        for error in answer.json().get("errors", []):
            assert error["loc"][:3] == ["body", "operations", 2], error
        assert await library.sizes() == before, last


NO_BATCHES: list[Any] = [
    [],
    {},
    {"operations": []},
    {"operations": {}},
    {"operations": [], "more": 1},
    3,
    "x",
    {"operations": [{"method": "POST", "path": "/authors", "body": {"name": "Ada"}}] * 101},
]


async def test_a_body_that_is_no_batch_is_422(library: Library) -> None:
    for body in NO_BATCHES:
        answer = await library.client.post("/api/v1/batch", json=body)
        assert answer.status_code == 422, body
        assert answer.json()["errors"], body


async def test_each_operation_needs_its_own_rights(library: Library) -> None:
    before = await library.sizes()
    reader = {"Authorization": "Bearer reader"}
    answer = await send(
        library,
        operation("POST", "/notes", {"text": "mine"}),
        operation("POST", "/authors", {"name": "Ada"}),
        **reader,
    )
    assert (answer.status_code, answer.json()["operation"]) == (403, 1)
    assert await library.sizes() == before
