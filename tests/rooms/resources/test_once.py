"""Idempotency keys and batches."""

import asyncio
from uuid import uuid4

import orjson
import pytest

from mainstay.base.errors import Conflict, Invalid, NotFound, Rejected
from mainstay.resources.changes import Once, Operation
from tests.rooms.resources.library import Shelf, caller, outbox


async def test_a_repeated_request_is_answered_with_the_first_answer(library: Shelf) -> None:
    tags, once = library.records["tags"], Once("key", "POST /tags", b"digest")
    first = await tags.create(library.admin, {"name": "red"}, once=once)
    again = await tags.create(library.admin, {"name": "red"}, once=once)
    assert (again.key, again.body, again.etag, again.created) == (first.key, first.body, first.etag, True)
    assert (first.replayed, again.replayed) == (False, True)
    assert len(await outbox(library)) == 1


async def test_a_key_is_bound_to_the_body_the_route_and_the_caller(library: Shelf) -> None:
    tags = library.records["tags"]
    await tags.create(library.admin, {"name": "red"}, once=Once("key", "POST /tags", b"one"))
    with pytest.raises(Invalid):
        await tags.create(library.admin, {"name": "blue"}, once=Once("key", "POST /tags", b"two"))
    await tags.create(caller("admin"), {"name": "green"}, once=Once("key", "POST /tags", b"two"))
    await tags.create(library.admin, {"name": "grey"}, once=Once("key", "POST /other", b"two"))


async def test_a_refused_request_leaves_its_key_free(library: Shelf) -> None:
    tags, once = library.records["tags"], Once("key", "POST /tags", b"one")
    await library.create("tags", name="red")
    with pytest.raises(Conflict):
        await tags.create(library.admin, {"name": "red"}, once=once)
    red = (await library.items("tags"))[0]
    await tags.delete(library.admin, red["id"])
    assert not (await tags.create(library.admin, {"name": "red"}, once=once)).replayed


async def test_a_deletion_is_replayed_too(library: Shelf) -> None:
    row = await library.create("tags", name="red")
    once = Once("key", "DELETE", b"")
    await library.records["tags"].delete(library.admin, row["id"], once=once)
    assert (await library.records["tags"].delete(library.admin, row["id"], once=once)).replayed
    with pytest.raises(NotFound):
        await library.records["tags"].delete(library.admin, row["id"])


async def test_requests_with_one_key_at_the_same_time_write_once(library: Shelf) -> None:
    tags, once = library.records["tags"], Once("key", "POST /tags", b"one")
    deeds = [tags.create(library.admin, {"name": "red"}, once=once) for _ in range(5)]
    found = await asyncio.gather(*deeds, return_exceptions=True)
    assert len(await library.items("tags")) == 1
    assert all(isinstance(each, Conflict) or not isinstance(each, BaseException) for each in found)
    assert sum(not isinstance(each, BaseException) and not each.replayed for each in found) == 1


async def test_a_batch_is_carried_out_wholly_and_in_order(library: Shelf) -> None:
    author, book = str(uuid4()), str(uuid4())
    old = await library.create("tags", name="old")
    written = await library.records.batch(
        library.admin,
        [
            Operation("replace", "books", book, {"title": "Emma"}),
            Operation("create", "tags", None, {"name": "new"}),
            Operation("update", "tags", old["id"], {"name": "older"}, frozenset({"1"})),
            Operation("delete", "tags", old["id"], None, frozenset({"2"})),
        ],
    )
    assert [each.created for each in written] == [True, True, False, False]
    assert [tag["name"] for tag in await library.items("tags")] == ["new"]
    assert written[2].body is not None
    assert orjson.loads(written[2].body)["name"] == "older"
    assert author not in [each.key for each in written]


async def test_one_refusal_undoes_the_whole_batch_and_says_which(library: Shelf) -> None:
    first = Operation("create", "tags", None, {"name": "new"})
    for bad, code in (
        (Operation("create", "tags", None, {"name": "new"}), "unique"),
        (Operation("create", "tags", None, {"name": 1}), "invalid"),
        (Operation("delete", "tags", str(uuid4()), None), "not_found"),
        (Operation("delete", "tags", "x", None), "not_found"),
        (Operation("create", "nothing", None, {}), "unknown_resource"),
        (Operation("create", "books", None, {"title": "x", "author_id": str(uuid4())}), "reference_missing"),
    ):
        with pytest.raises(Rejected) as refused:
            await library.records.batch(library.admin, [first, bad])
        assert (refused.value.problem_code, refused.value.extra["operation"]) == (code, 1)
    assert await library.items("tags") == []
    assert await outbox(library) == []
