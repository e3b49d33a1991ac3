"""Creating, changing and deleting rows through records."""

from uuid import uuid4

import orjson
import pytest

from mainstay.base.errors import Conflict, Forbidden, Invalid, NotFound, PreconditionFailed, SignInRequired
from tests.rooms.resources.library import OTHER_TENANT, Shelf, caller, nobody, outbox


async def test_a_created_row_is_answered_as_it_is_read(library: Shelf) -> None:
    me = caller()
    written = await library.records["books"].create(me, {"title": "Emma", "price": "12.5"})
    assert written.created
    assert written.body is not None
    read = await library.records["books"].one(me, written.key)
    assert read.body == written.body
    assert read.etag == written.etag
    row = orjson.loads(written.body)
    assert row["price"] == "12.5000"
    assert row["label"] == "Emma (12.5000)"
    assert row["owner_id"] == str(me.actor.user_id)
    assert row["row_version"] == 1


async def test_a_merge_patch_changes_what_it_names_and_bumps_the_version(library: Shelf) -> None:
    me = caller()
    row = await library.create("books", me, title="Emma", stock=3)
    written = await library.records["books"].update(me, row["id"], {"stock": None, "title": "Emma II"})
    assert written.body is not None
    changed = orjson.loads(written.body)
    assert (changed["title"], changed["stock"], changed["row_version"]) == ("Emma II", None, 2)
    assert changed["updated_at"] > row["updated_at"]
    assert await library.one("books", row["id"], by=me) == changed


async def test_a_replaced_row_takes_the_defaults_of_what_was_not_sent(library: Shelf) -> None:
    me = caller()
    row = await library.create("books", me, title="Emma", stock=3, price="9")
    written = await library.records["books"].replace(me, row["id"], {"title": "Persuasion"})
    assert written.body is not None
    changed = orjson.loads(written.body)
    assert (changed["title"], changed["stock"], changed["price"]) == ("Persuasion", None, "1.0000")
    assert not written.created


async def test_a_put_creates_where_the_resource_says_so(library: Shelf) -> None:
    key = str(uuid4())
    written = await library.records["books"].replace(library.admin, key, {"title": "Emma"})
    assert written.created
    assert written.key == key
    with pytest.raises(NotFound):
        await library.records["tags"].replace(library.admin, key, {"name": "novel"})


async def test_a_patch_that_changes_nothing_writes_nothing(library: Shelf) -> None:
    me = caller()
    row = await library.create("books", me, title="Emma")
    written = await library.records["books"].update(me, row["id"], {"title": "Emma"})
    assert written.version == "1"
    assert len(await outbox(library)) == 1


async def test_a_deleted_row_is_gone_with_the_rows_that_go_with_it(library: Shelf) -> None:
    me = caller()
    book = await library.create("books", me, title="Emma")
    await library.create("chapters", me, heading="One", book_id=book["id"])
    await library.records["books"].delete(me, book["id"])
    with pytest.raises(NotFound):
        await library.one("books", book["id"], by=me)
    assert await library.items("chapters") == []
    assert [(c, a) for c, a, _ in await outbox(library)] == [
        ("books", "created"),
        ("chapters", "created"),
        ("chapters", "deleted"),
        ("books", "deleted"),
    ]


async def test_a_row_that_others_refer_to_is_not_deleted(library: Shelf) -> None:
    author = await library.create("authors", name="Jane")
    await library.create("books", title="Emma", author_id=author["id"])
    with pytest.raises(Conflict, match="Rows of books still refer to this row") as refused:
        await library.records["authors"].delete(library.admin, author["id"])
    assert refused.value.problem_code == "still_referenced"


async def test_every_change_leaves_exactly_one_outbox_row(library: Shelf) -> None:
    me = caller()
    row = await library.create("books", me, title="Emma")
    await library.records["books"].update(me, row["id"], {"title": "Emma II"})
    await library.records["books"].delete(me, row["id"])
    assert await outbox(library) == [("books", "created", 1), ("books", "updated", 2), ("books", "deleted", 2)]


async def test_a_clash_names_the_field(library: Shelf) -> None:
    await library.create("books", title="Emma", isbn="1")
    with pytest.raises(Conflict) as refused:
        await library.create("books", title="Other", isbn="1")
    assert [(e.loc, e.code) for e in refused.value.errors] == [(("isbn",), "unique")]
    assert len(await outbox(library)) == 1


async def test_a_reference_to_nothing_or_to_another_tenants_row_names_the_field(library: Shelf) -> None:
    theirs = await library.create("authors", caller("admin", tenant=OTHER_TENANT), name="Theirs")
    for key in (str(uuid4()), theirs["id"]):
        with pytest.raises(Conflict) as refused:
            await library.create("books", title="Emma", author_id=key)
        assert refused.value.problem_code == "reference_missing"
        assert [e.loc for e in refused.value.errors] == [("author_id",)]


async def test_another_tenants_rows_do_not_exist(library: Shelf) -> None:
    stranger = caller("admin", tenant=OTHER_TENANT)
    row = await library.create("books", title="Emma")
    for deed in (
        library.records["books"].one(stranger, row["id"]),
        library.records["books"].update(stranger, row["id"], {"title": "Mine"}),
        library.records["books"].delete(stranger, row["id"]),
        library.records["books"].link(stranger, row["id"], "tags", str(uuid4())),
    ):
        with pytest.raises(NotFound):
            await deed
    assert (await library.one("books", row["id"]))["title"] == "Emma"


async def test_if_match_is_compared_within_the_write(library: Shelf) -> None:
    me = caller()
    row = await library.create("books", me, title="Emma")
    books = library.records["books"]
    await books.update(me, row["id"], {"title": "Emma II"}, if_match=frozenset({"1"}))
    with pytest.raises(PreconditionFailed):
        await books.update(me, row["id"], {"title": "Emma III"}, if_match=frozenset({"1"}))
    with pytest.raises(PreconditionFailed):
        await books.delete(me, row["id"], if_match=frozenset({"1"}))
    await books.delete(me, row["id"], if_match=frozenset({"2", "9"}))


async def test_the_row_is_judged_before_and_after_a_change(library: Shelf) -> None:
    me, other = caller(), caller()
    row = await library.create("books", me, title="Emma", status="published")
    with pytest.raises(Forbidden):
        await library.records["books"].update(other, row["id"], {"title": "Theirs"})
    draft = await library.create("books", me, title="Draft")
    with pytest.raises(NotFound):
        await library.records["books"].update(other, draft["id"], {"title": "Theirs"})
    with pytest.raises(SignInRequired):
        await library.records["books"].create(nobody(), {"title": "Nobody's"})


async def test_a_rule_on_a_related_row_is_asked_in_the_transaction(library: Shelf) -> None:
    me = caller()
    draft = await library.create("books", me, title="Draft")
    done = await library.create("books", me, title="Done", status="published")
    chapter = await library.create("chapters", me, heading="One", book_id=draft["id"])
    with pytest.raises(Forbidden):
        await library.create("chapters", me, heading="Two", book_id=done["id"])
    with pytest.raises(Forbidden):
        await library.records["chapters"].update(me, chapter["id"], {"book_id": done["id"]})
    assert len(await library.items("chapters")) == 1
    assert (await library.one("chapters", chapter["id"]))["book_id"] == draft["id"]


async def test_masked_fields_are_null_and_not_to_be_set_by_others(library: Shelf) -> None:
    me, other = caller(), caller("editor")
    row = await library.create("books", me, title="Emma", cost=7, status="published")
    assert row["cost"] == 7
    assert (await library.one("books", row["id"], by=other))["cost"] is None
    assert await library.items("books", "cost=7", by=other) == []
    with pytest.raises(Forbidden, match="cost"):
        await library.records["books"].update(other, row["id"], {"cost": 1})
    written = await library.records["books"].update(other, row["id"], {"title": "Edited"})
    assert written.body is not None
    assert orjson.loads(written.body)["cost"] is None
    assert (await library.one("books", row["id"], by=me))["cost"] == 7


async def test_links_are_set_added_and_taken_away(library: Shelf) -> None:
    one, two = await library.create("tags", name="one"), await library.create("tags", name="two")
    book = await library.create("books", title="Emma", tag_ids=[one["id"], two["id"]])
    shown = await library.one("books", book["id"], "expand=tags")
    assert [tag["name"] for tag in shown["tags"]["items"]] == ["one", "two"]
    books = library.records["books"]
    written = await books.update(library.admin, book["id"], {"tag_ids": [two["id"]]})
    assert written.version == "2"
    await books.link(library.admin, book["id"], "tags", one["id"])
    await books.unlink(library.admin, book["id"], "tags", two["id"])
    assert [b["title"] for b in await library.items("books", "tags.name=one")] == ["Emma"]
    assert await library.items("books", "tags.name=two") == []
    with pytest.raises(Conflict) as refused:
        await books.update(library.admin, book["id"], {"tag_ids": [one["id"], str(uuid4())]})
    assert [e.loc for e in refused.value.errors] == [("tag_ids", 1)]


async def test_the_checks_of_the_row_speak_in_their_own_words(library: Shelf) -> None:
    with pytest.raises(Invalid) as refused:
        await library.create("books", title="Emma", lent=True, price="0")
    assert [e.message for e in refused.value.errors] == ["A free book is not lent."]
    row = await library.create("books", title="Emma", price="0")
    with pytest.raises(Invalid):
        await library.records["books"].update(library.admin, row["id"], {"lent": True})


async def test_many_rows_go_in_together_or_not_at_all(library: Shelf) -> None:
    tags = library.records["tags"]
    written = await tags.create_many(library.admin, [{"name": "a"}, {"name": "b"}])
    assert [w.created for w in written] == [True, True]
    with pytest.raises(Invalid) as refused:
        await tags.create_many(library.admin, [{"name": "c"}, {"name": 1}, {}])
    assert [e.loc for e in refused.value.errors] == [(1, "name"), (2, "name")]
    with pytest.raises(Conflict) as clash:
        await tags.create_many(library.admin, [{"name": "c"}, {"name": "a"}])
    assert [e.loc for e in clash.value.errors] == [(1, "name")]
    assert [t["name"] for t in await library.items("tags", "sort=name")] == ["a", "b"]
