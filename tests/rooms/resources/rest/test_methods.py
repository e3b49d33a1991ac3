"""Each method on each path does what the reference says, on both engines."""

import json

from tests.rooms.resources.rest.library import Library

NOWHERE = "0190f6a2-7c1e-7000-8000-3f2b8c0d9e11"


async def test_a_row_is_created_read_changed_replaced_and_deleted(library: Library) -> None:
    author = await library.author()
    made = await library.client.post(
        "/api/v1/books", json={"title": "Emma", "price": "12.5", "author_id": author["id"], "words": ["a"]}
    )
    assert made.status_code == 201
    row = made.json()
    place = made.headers["location"]
    assert place == f"/api/v1/books/{row['id']}"
    assert row["price"] == "12.5000"

    read = await library.client.get(place)
    assert (read.status_code, read.json(), read.headers["etag"]) == (200, row, made.headers["etag"])
    assert read.headers["vary"] == "Authorization, Cookie"
    assert "private" in read.headers["cache-control"]

    patched = await library.client.patch(place, json={"summary": "Match-making"})
    assert patched.status_code == 200
    assert patched.json()["summary"] == "Match-making"
    assert patched.json()["words"] == ["a"]
    assert patched.json()["row_version"] == row["row_version"] + 1

    replaced = await library.client.put(place, json={"title": "Emma", "price": 3, "author_id": author["id"]})
    assert replaced.status_code == 200
    assert replaced.json()["summary"] is None
    assert replaced.json()["words"] == []

    assert (await library.client.delete(place)).status_code == 204
    assert (await library.client.get(place)).status_code == 404
    assert (await library.client.delete(place)).status_code == 404


async def test_many_rows_are_created_at_once_or_not_at_all(library: Library) -> None:
    before = await library.sizes()
    made = await library.client.post("/api/v1/authors", json=[{"name": "Ada"}, {"name": "Bea"}])
    assert made.status_code == 201
    assert [row["name"] for row in made.json()] == ["Ada", "Bea"]
    after = await library.sizes()
    assert after["authors"] == before["authors"] + 2
    refused = await library.client.post("/api/v1/authors", json=[{"name": "Cleo"}, {"name": 3}])
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["loc"] == ["body", 1, "name"]
    assert await library.sizes() == after


async def test_put_creates_only_where_the_resource_says_so(library: Library) -> None:
    put = await library.client.put(f"/api/v1/tags/{NOWHERE}", json={"name": "poetry"})
    assert (put.status_code, put.headers["location"]) == (201, f"/api/v1/tags/{NOWHERE}")
    again = await library.client.put(f"/api/v1/tags/{NOWHERE}", json={"name": "prose"})
    assert (again.status_code, again.json()["id"]) == (200, NOWHERE)
    assert (await library.client.put(f"/api/v1/authors/{NOWHERE}", json={"name": "Ada"})).status_code == 404


async def test_head_has_the_headers_of_get_and_no_body(library: Library) -> None:
    row = await library.author()
    for path in ("/api/v1/authors", f"/api/v1/authors/{row['id']}"):
        get, head = await library.client.get(path), await library.client.head(path)
        assert head.status_code == 200
        assert head.content == b""
        kept = ("etag", "content-type", "content-length", "cache-control")
        assert [head.headers[name] for name in kept] == [get.headers[name] for name in kept]


async def test_options_names_the_methods(library: Library) -> None:
    collection = await library.client.options("/api/v1/notes")
    assert (collection.status_code, collection.headers["allow"]) == (204, "GET, HEAD, OPTIONS, POST")
    item = await library.client.options(f"/api/v1/notes/{NOWHERE}")
    assert item.headers["allow"] == "GET, HEAD, OPTIONS, PATCH, PUT"
    assert "application/merge-patch+json" in item.headers["accept-patch"]


NOT_SERVED = [
    ("DELETE", "/authors"),
    ("PATCH", "/authors"),
    ("POST", f"/authors/{NOWHERE}"),
    ("DELETE", f"/notes/{NOWHERE}"),
    ("GET", "/batch"),
    ("TRACE", "/authors"),
    ("QUERY", "/authors"),
    ("POST", f"/authors/{NOWHERE}/books"),
]


async def test_a_method_that_is_not_served_is_405_with_allow(library: Library) -> None:
    for method, path in NOT_SERVED:
        answer = await library.client.request(method, f"/api/v1{path}")
        assert answer.status_code == 405, (method, path)
        assert method not in answer.headers["allow"].split(", ")
        assert "OPTIONS" in answer.headers["allow"]
        assert answer.headers["content-type"] == "application/problem+json"


NOT_THERE = [
    "/nothing",
    "/authors/",
    "/authors/not-a-key",
    f"/authors/{NOWHERE}",
    f"/authors/{NOWHERE}/books",
    f"/authors/{NOWHERE}/nothing",
    f"/authors/{NOWHERE}/books/x/y",
    "",
    "/",
]


async def test_what_is_not_there_is_404(library: Library) -> None:
    for path in NOT_THERE:
        answer = await library.client.get(f"/api/v1{path}")
        assert answer.status_code == 404, path
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["request_id"] == answer.headers["x-request-id"]


async def test_rows_below_a_row_are_listed_with_every_parameter_of_a_list(library: Library) -> None:
    ada, bea = await library.author("Ada"), await library.author("Bea")
    for title in ("A", "B", "C"):
        await library.book(title, author_id=ada["id"])
    await library.book("D", author_id=bea["id"])
    first = (await library.client.get(f"/api/v1/authors/{ada['id']}/books?sort=-title&limit=2&fields=title")).json()
    assert [row["title"] for row in first["items"]] == ["C", "B"]
    rest = f"/api/v1/authors/{ada['id']}/books?sort=-title&limit=2&fields=title&after={first['next']}"
    assert [row["title"] for row in (await library.client.get(rest)).json()["items"]] == ["A"]
    stolen = f"/api/v1/authors/{bea['id']}/books?sort=-title&limit=2&fields=title&after={first['next']}"
    assert (await library.client.get(stolen)).status_code == 400


async def test_whether_a_row_exists_does_not_show_in_what_is_below_it(library: Library) -> None:
    draft = await library.book(status="draft")
    for identifier in (draft["id"], NOWHERE):
        path = f"/api/v1/books/{identifier}/tags"
        assert (await library.client.get(path, headers={"Authorization": ""})).status_code == 401
        assert (await library.client.get(path, headers={"Authorization": "Bearer reader"})).status_code == 404


async def test_rows_are_linked_and_unlinked(library: Library) -> None:
    book = await library.book()
    tag = await library.create("tags", name="poetry")
    place = f"/api/v1/books/{book['id']}/tags"
    before = await library.sizes()
    for _ in range(2):
        assert (await library.client.put(f"{place}/{tag['id']}")).status_code == 204
    assert [row["name"] for row in (await library.client.get(place)).json()["items"]] == ["poetry"]
    assert (await library.sizes())["book_tags"] == before["book_tags"] + 1
    assert (await library.client.put(f"{place}/{NOWHERE}")).status_code == 404
    for _ in range(2):
        assert (await library.client.delete(f"{place}/{tag['id']}")).status_code == 204
    assert (await library.client.get(place)).json()["items"] == []


async def test_return_minimal_answers_without_the_body(library: Library) -> None:
    prefer = {"Prefer": "respond-async, return=minimal"}
    made = await library.client.post("/api/v1/authors", json={"name": "Ada"}, headers=prefer)
    assert (made.status_code, made.content, made.headers["preference-applied"]) == (201, b"", "return=minimal")
    patched = await library.client.patch(made.headers["location"], json={"name": "Bea"}, headers=prefer)
    assert (patched.status_code, patched.content) == (204, b"")
    assert patched.headers["etag"] != made.headers["etag"]


async def test_a_change_takes_merge_patch_and_json_and_nothing_else(library: Library) -> None:
    row = await library.author()
    place = f"/api/v1/authors/{row['id']}"
    for kind in ("application/merge-patch+json", "application/json; charset=utf-8"):
        answer = await library.client.patch(place, content=b'{"name": "Bea"}', headers={"Content-Type": kind})
        assert answer.status_code == 200
    for kind in ("application/json-patch+json", "text/plain"):
        answer = await library.client.patch(place, content=b"[]", headers={"Content-Type": kind})
        assert answer.status_code == 415


async def test_an_anonymous_caller_sees_what_the_policy_shows_to_anybody(library: Library) -> None:
    await library.book("Shown")
    await library.book("Hidden", status="draft")
    nobody = {"Authorization": ""}
    shown = await library.client.get("/api/v1/books?fields=title", headers=nobody)
    assert [row["title"] for row in shown.json()["items"]] == ["Shown"]
    assert shown.headers["cache-control"] == "no-cache"
    for method, path in (("GET", "/authors"), ("POST", "/books"), ("POST", "/batch")):
        refused = await library.client.request(method, f"/api/v1{path}", headers=nobody, json={"operations": []})
        assert refused.status_code in (401, 422), refused.text
        if refused.status_code == 401:
            assert refused.headers["www-authenticate"].startswith("Bearer")


async def test_a_request_id_is_echoed_and_stands_in_refusals(library: Library) -> None:
    answer = await library.client.get("/api/v1/nothing", headers={"X-Request-ID": "from-the-caller-1"})
    assert json.loads(answer.content)["request_id"] == "from-the-caller-1"
