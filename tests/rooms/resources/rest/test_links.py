"""On request a row says where it leads and what the caller may do with it."""

import httpx2 as httpx
import pytest

from tests.rooms.resources.rest.library import Library


async def test_links_and_allowed_actions_come_on_request(library: Library) -> None:
    book = await library.book()
    place = f"/api/v1/books/{book['id']}"
    plain = await library.client.get(place)
    assert "_links" not in plain.json()
    linked = await library.client.get(f"{place}?links=true")
    assert linked.json()["_links"] == {
        "self": place,
        "author": f"/api/v1/authors/{book['author_id']}",
        "tags": f"{place}/tags",
    }
    assert linked.json()["_actions"] == ["replace", "update", "delete"]
    assert linked.headers["etag"] != plain.headers["etag"]
    for path in linked.json()["_links"].values():
        assert (await library.client.get(path)).status_code == 200
    held = {"If-None-Match": linked.headers["etag"]}
    assert (await library.client.get(f"{place}?links=true", headers=held)).status_code == 304
    assert (await library.client.get(f"{place}?links=false&fields=title")).json() == {"title": "Emma"}


async def test_actions_are_those_of_this_caller_on_this_row(library: Library) -> None:
    book = await library.book()
    for headers in ({"Authorization": "Bearer reader"}, {"Authorization": ""}):
        answer = await library.client.get(f"/api/v1/books/{book['id']}?links=true", headers=headers)
        assert answer.json()["_actions"] == []
    note = await library.create("notes", text="a")
    assert (await library.client.get(f"/api/v1/notes/{note['id']}?links=true")).json()["_actions"] == [
        "replace",
        "update",
    ]


async def test_another_value_than_true_or_false_is_400(library: Library) -> None:
    book = await library.book()
    for query in ("links=", "links=1", "links=true&links=true", "links=TRUE"):
        assert (await library.client.get(f"/api/v1/books/{book['id']}?{query}")).status_code == 400


@pytest.mark.parametrize("seen", ["/shop", ""], ids=["mounted there", "a proxy takes it off"])
async def test_every_path_in_an_answer_begins_where_the_caller_s_paths_begin(library: Library, seen: str) -> None:
    transport = httpx.ASGITransport(library.app, root_path="/shop")
    headers = dict(library.client.headers)
    async with httpx.AsyncClient(transport=transport, base_url=f"http://test{seen}", headers=headers) as client:
        made = await client.post("/api/v1/authors", json={"name": "Ada"})
        place = f"/shop/api/v1/authors/{made.json()['id']}"
        assert made.headers["location"] == place
        linked = await client.get(f"/api/v1/authors/{made.json()['id']}?links=true")
        assert linked.json()["_links"]["self"] == place
        operations = [
            {"method": "POST", "path": "/authors", "body": {"name": "Bea"}},
            {"method": "PATCH", "path": place, "body": {"name": "Ada Lovelace"}},
        ]
        results = (await client.post("/api/v1/batch", json={"operations": operations})).json()["results"]
        assert results[0]["headers"]["Location"] == f"/shop/api/v1/authors/{results[0]['body']['id']}"
        assert results[1]["body"]["name"] == "Ada Lovelace"
