"""Conditional requests and idempotent ones, on both engines."""

import asyncio

import httpx
import pytest

from tests.rooms.resources.rest.library import Library


async def test_what_the_caller_holds_already_is_304_after_authentication(library: Library) -> None:
    row = await library.author()
    for path in ("/api/v1/authors", f"/api/v1/authors/{row['id']}", f"/api/v1/authors/{row['id']}/books"):
        first = await library.client.get(path)
        held = {"If-None-Match": f'"other", W/{first.headers["etag"]}'}
        again = await library.client.get(path, headers=held)
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == first.headers["etag"]
        assert (await library.client.head(path, headers=held)).status_code == 304
        unsigned = await library.client.get(path, headers={**held, "Authorization": ""})
        assert unsigned.status_code == 401
    await library.client.patch(f"/api/v1/authors/{row['id']}", json={"name": "Bea"})
    assert (await library.client.get("/api/v1/authors", headers=held)).status_code == 200


async def test_a_change_of_another_version_is_412_and_changes_nothing(library: Library) -> None:
    row = await library.author()
    place = f"/api/v1/authors/{row['id']}"
    stale = (await library.client.get(place)).headers["etag"]
    fresh = (await library.client.patch(place, json={"name": "Bea"}, headers={"If-Match": stale})).headers["etag"]
    for method in ("PATCH", "PUT", "DELETE"):
        body = None if method == "DELETE" else {"name": "Cleo"}
        answer = await library.client.request(method, place, json=body, headers={"If-Match": stale})
        assert answer.status_code == 412
    assert (await library.client.get(place)).json()["name"] == "Bea"
    both = {"If-Match": f"{stale}, {fresh}"}
    assert (await library.client.patch(place, json={"name": "Dora"}, headers=both)).status_code == 200
    assert (await library.client.delete(place, headers={"If-Match": "*"})).status_code == 204


@pytest.mark.parametrize("header", ["3", '"3', "nonsense", '"1" "2"'])
async def test_an_if_match_that_is_no_list_of_tags_is_400(library: Library, header: str) -> None:
    row = await library.author()
    answer = await library.client.patch(f"/api/v1/authors/{row['id']}", json={}, headers={"If-Match": header})
    assert answer.status_code == 400


async def test_a_resource_may_require_if_match(library: Library) -> None:
    row = await library.create("notes", text="a")
    place = f"/api/v1/notes/{row['id']}"
    assert (await library.client.patch(place, json={"text": "b"})).status_code == 428
    operation = {"method": "PATCH", "path": f"/notes/{row['id']}", "body": {"text": "b"}}
    assert (await library.client.post("/api/v1/batch", json={"operations": [operation]})).status_code == 428
    tag = (await library.client.get(place)).headers["etag"]
    assert (await library.client.patch(place, json={"text": "b"}, headers={"If-Match": tag})).status_code == 200


async def test_a_repeated_request_with_a_key_is_answered_and_not_done_again(library: Library) -> None:
    headers = {"Idempotency-Key": "order-1"}
    first = await library.client.post("/api/v1/authors", json={"name": "Ada"}, headers=headers)
    after = await library.sizes()
    again = await library.client.post("/api/v1/authors", json={"name": "Ada"}, headers=headers)
    assert (again.status_code, again.json()) == (201, first.json())
    assert again.headers["location"] == first.headers["location"]
    assert await library.sizes() == after
    other = await library.client.post("/api/v1/authors", json={"name": "Bea"}, headers=headers)
    assert other.status_code == 422
    somebody = await library.client.post(
        "/api/v1/authors", json={"name": "Ada"}, headers={**headers, "Authorization": "Bearer admin"}
    )
    assert somebody.json()["id"] != first.json()["id"]


async def test_changes_batches_and_deletions_are_idempotent_too(library: Library) -> None:
    row = await library.author()
    place = f"/api/v1/authors/{row['id']}"

    async def twice(method: str, path: str, body: object, key: str) -> list[httpx.Response]:
        headers = {"Idempotency-Key": key}
        return [await library.client.request(method, path, json=body, headers=headers) for _ in range(2)]

    one, two = await twice("PATCH", place, {"name": "Bea"}, "key-2")
    assert one.json()["row_version"] == two.json()["row_version"]
    many = await twice("POST", "/api/v1/authors", [{"name": "Cleo"}, {"name": "Dora"}], "key-3")
    assert many[0].json() == many[1].json()
    operations = {"operations": [{"method": "POST", "path": "/authors", "body": {"name": "Eve"}}]}
    batches = await twice("POST", "/api/v1/batch", operations, "key-4")
    assert batches[0].json() == batches[1].json()
    gone = await twice("DELETE", place, None, "key-5")
    assert [each.status_code for each in gone] == [204, 204]
    assert (await library.sizes())["authors"] == 3


async def test_the_same_key_sent_many_times_at_once_is_done_once(library: Library) -> None:
    headers = {"Idempotency-Key": "at-once"}
    sent = [library.client.post("/api/v1/authors", json={"name": "Ada"}, headers=headers) for _ in range(8)]
    answers = await asyncio.gather(*sent)
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({answer.json()["id"] for answer in answers if answer.status_code == 201}) == 1
    assert (await library.sizes())["authors"] == 1


async def test_a_refused_request_does_not_use_its_key_up(library: Library) -> None:
    headers = {"Idempotency-Key": "try-again"}
    assert (await library.client.post("/api/v1/authors", json={"name": 3}, headers=headers)).status_code == 422
    assert (await library.client.post("/api/v1/authors", json={"name": "Ada"}, headers=headers)).status_code == 201


@pytest.mark.parametrize("key", ["", "x" * 256, "caf\u00e9"])
async def test_a_key_that_is_none_is_400(library: Library, key: str) -> None:
    headers = [(b"Idempotency-Key", key.encode("latin-1"))]
    answer = await library.client.post("/api/v1/authors", json={"name": "Ada"}, headers=headers)
    assert answer.status_code == 400
    assert (await library.sizes())["authors"] == 0


async def test_strangers_have_no_keys_to_share(library: Library) -> None:
    del library.client.headers["Authorization"]
    headers = {"Idempotency-Key": "same-for-all"}
    refused = await library.client.post("/api/v1/authors", json={"name": "Ada"}, headers=headers)
    assert refused.status_code == 401
    assert "Idempotency-Key" in refused.json()["detail"]
