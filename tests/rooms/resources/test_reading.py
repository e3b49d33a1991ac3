"""Rows as they are shown: fields, expansions, tags, and who is let in."""

from typing import Any
from uuid import uuid4

import orjson
import pytest

from mainstay.base.actor import Actor
from mainstay.base.context import Caller
from mainstay.base.errors import BadRequest, Forbidden, NotFound, SignInRequired
from mainstay.base.tenant import DEFAULT_TENANT, TenantScope
from tests.rooms.resources.library import OTHER_TENANT, Shelf, Status, caller, nobody


async def test_only_the_fields_asked_for_are_shown_in_their_own_order(library: Shelf) -> None:
    row = await library.create("books", title="Emma")
    shown = await library.one("books", row["id"], "fields=label,title,id")
    assert list(shown) == ["id", "title", "label"]
    assert await library.items("books", "fields=price") == [{"price": "1.0000"}]


async def test_expanded_rows_stand_inside_the_row(library: Shelf) -> None:
    uk = await library.create("countries", name="UK")
    jane = await library.create("authors", name="Jane", country_id=uk["id"])
    await library.create("books", title="Emma", author_id=jane["id"])
    await library.create("books", title="Nobody's")
    emma, nobodys = await library.items("books", "expand=author.country,tags&sort=title")
    assert emma["author"]["country"]["name"] == "UK"
    assert emma["author"]["book_count"] == 1
    assert nobodys["author"] is None
    assert nobodys["tags"] == {"items": [], "next": None}
    author = await library.one("authors", jane["id"], "expand=books.author")
    assert [book["title"] for book in author["books"]["items"]] == ["Emma"]
    assert author["books"]["items"][0]["author"]["id"] == jane["id"]


async def test_expanding_takes_as_many_statements_for_many_rows_as_for_one(library: Shelf) -> None:
    uk = await library.create("countries", name="UK")
    for number in range(6):
        author = await library.create("authors", name=f"{number}", country_id=uk["id"])
        await library.create("books", title=f"{number}", author_id=author["id"])
    counted = []
    for limit in (1, 6):
        fetched = Fetched(library)
        await library.page("books", f"limit={limit}&expand=author.country,tags")
        counted.append(fetched.stop())
    assert counted == [4, 4]


async def test_expanding_to_many_shows_a_window_and_leads_on(library: Shelf) -> None:
    jane = await library.create("authors", name="Jane")
    await library.create("authors", name="Other")
    rows = [{"title": f"{n:03}", "author_id": jane["id"]} for n in range(103)]
    await library.records["books"].create_many(library.admin, rows)
    shown = await library.one("authors", jane["id"], "expand=books")
    assert len(shown["books"]["items"]) == 100
    books = library.records["books"]
    under = books.read_query(f"after={shown['books']['next']}".encode())
    key = library.records["authors"].parse_key(jane["id"])
    answer = await books.page(library.admin, under.under("authors", "books", key))
    rest = orjson.loads(answer.body)["items"]
    titles = [book["title"] for book in shown["books"]["items"] + rest]
    assert sorted(titles) == [f"{n:03}" for n in range(103)]


async def test_rows_under_a_row_are_those_its_relation_leads_to(library: Shelf) -> None:
    uk = await library.create("countries", name="UK")
    jane = await library.create("authors", name="Jane", country_id=uk["id"])
    red = await library.create("tags", name="red")
    emma = await library.create("books", title="Emma", author_id=jane["id"], tag_ids=[red["id"]])
    await library.create("books", title="Other")
    for parent, key, relation, target in (
        ("authors", jane["id"], "books", "books"),
        ("tags", red["id"], "books", "books"),
        ("books", emma["id"], "tags", "tags"),
        ("books", emma["id"], "author", "authors"),
        ("authors", jane["id"], "country", "countries"),
    ):
        query = library.records[target].read_query(b"").under(parent, relation, library.records[parent].parse_key(key))
        found = orjson.loads((await library.records[target].page(library.admin, query)).body)["items"]
        assert len(found) == 1, (parent, relation)


async def test_the_tag_changes_with_the_row_and_with_what_is_shown(library: Shelf) -> None:
    row = await library.create("tags", name="red")
    tags = library.records["tags"]
    plain = await tags.one(library.admin, row["id"])
    again = await tags.one(nobody(), row["id"])
    some = await tags.one(library.admin, row["id"], tags.read_query(b"fields=name", kind="one"))
    assert plain.etag == again.etag
    assert plain.etag.startswith('"1.')
    assert some.etag != plain.etag
    assert plain.version == "1"
    listed = await tags.page(library.admin, tags.read_query(b""))
    await tags.update(library.admin, row["id"], {"name": "blue"})
    assert (await tags.one(library.admin, row["id"])).etag.startswith('"2.')
    assert (await tags.page(library.admin, tags.read_query(b""))).etag != listed.etag


async def test_rows_that_the_rules_hide_do_not_exist(library: Shelf) -> None:
    me, other = caller(), caller()
    draft = await library.create("books", me, title="Draft")
    assert (await library.one("books", draft["id"], by=me))["title"] == "Draft"
    for who in (other, nobody()):
        with pytest.raises(NotFound):
            await library.one("books", draft["id"], by=who)
        assert await library.items("books", by=who) == []
    for key in ("x", str(uuid4()), "", "0"):
        with pytest.raises(NotFound):
            await library.one("books", key)


async def test_nothing_is_to_be_learnt_of_related_rows_that_are_closed(library: Shelf) -> None:
    vault = await library.create("vaults", code="x")
    await library.create("shops", name="Corner", vault_id=vault["id"], vault_ids=[vault["id"]])
    for who in (caller(), nobody()):
        assert await library.items("shops", "vault.code=x", by=who) == []
        assert await library.items("shops", "vaults.code=x", by=who) == []
        shown = (await library.items("shops", "expand=vault,vaults", by=who))[0]
        assert (shown["vault"], shown["vaults"], shown["vault_count"]) == (None, {"items": [], "next": None}, 0)
    assert (await library.items("shops", "vault.code=x&expand=vaults"))[0]["vault_count"] == 1


async def test_nothing_is_to_be_learnt_of_hidden_fields(library: Shelf) -> None:
    for takings, motto in ((1, "cheap"), (3, None), (2, "dear")):
        await library.create("shops", name=f"shop {takings}", takings=takings, motto=motto)
    me = caller()
    assert [shop["takings"] for shop in await library.items("shops", by=me)] == [None] * 3
    for query in ("takings=1", "takings.gt=0", "takings.is=notnull", "motto.contains=e", "q=cheap"):
        assert await library.items("shops", query, by=me) == []
    plain = [shop["name"] for shop in await library.items("shops", by=me)]
    assert [shop["name"] for shop in await library.items("shops", "sort=takings", by=me)] == plain
    page = await library.page("shops", "sort=takings&limit=2", by=me)
    assert len((await library.page("shops", f"sort=takings&limit=2&after={page['next']}", by=me))["items"]) == 1
    assert [shop["takings"] for shop in await library.items("shops", "sort=-takings")] == [3, 2, 1]
    assert len(await library.items("shops", "q=cheap")) == 1


async def test_a_closed_operation_asks_to_sign_in_or_forbids(library: Shelf) -> None:
    tags = library.records["tags"]
    with pytest.raises(SignInRequired):
        await tags.create(nobody(), {"name": "x"})
    with pytest.raises(Forbidden):
        await tags.create(caller(), {"name": "x"})
    with pytest.raises(SignInRequired):
        await tags.delete(nobody(), str(uuid4()))
    assert (await tags.create(caller("editor"), {"name": "x"})).created


async def test_a_session_with_fewer_scopes_is_told_which_are_missing(library: Shelf) -> None:
    scopes = frozenset({"books:read", "authors:write"})
    actor = Actor(uuid4(), frozenset({"admin"}), scopes, None, True)
    me = Caller(actor, TenantScope(DEFAULT_TENANT), "test")
    assert await library.items("books", by=me) == []
    for deed, missing in (
        (library.page("tags", by=me), "tags:read"),
        (library.page("books", "expand=tags", by=me), "tags:read"),
        (library.page("books", "author.name=x", by=me), "authors:read"),
        (library.create("books", me, title="x"), "books:write"),
        (library.records["books"].delete(me, str(uuid4())), "books:delete"),
    ):
        with pytest.raises(Forbidden) as refused:
            await deed
        assert refused.value.extra["missing_scopes"] == [missing]
    written = await library.records["authors"].create(me, {"name": "Jane"})
    assert written.body is None


async def test_a_request_without_a_tenant_reads_nothing(library: Shelf) -> None:
    lost = Caller(library.admin.actor, None, "test")
    with pytest.raises(BadRequest) as refused:
        await library.page("books", by=lost)
    assert refused.value.problem_code == "tenant_required"


async def test_one_plan_serves_every_value_and_every_caller_of_one_shape(library: Shelf) -> None:
    planner = library.records["books"]._plans
    for number in range(5):
        await library.items("books", f"title=a{number}&limit={number + 1}", by=caller())
    before = len(planner._rows)
    await library.items("books", "title=other&limit=7", by=caller())
    assert len(planner._rows) == before
    await library.items("books", "title=other&limit=7", by=library.admin)
    assert len(planner._rows) == before + 1


async def test_the_stored_row_is_there_for_whoever_explains_a_rule(library: Shelf) -> None:
    book = await library.create("books", title="Draft")
    chapter = await library.create("chapters", heading="One", book_id=book["id"])
    chapters = library.records["chapters"]
    rule = chapters.entry.access.update
    row, related = await chapters.stored(caller(), chapter["id"], rule)
    assert row["heading"] == "One"
    assert related == {("book", "status"): Status.draft}
    with pytest.raises(NotFound):
        await chapters.stored(caller(tenant=OTHER_TENANT), chapter["id"], rule)


class Fetched:
    """Counts the statements that a database is asked for."""

    def __init__(self, library: Shelf) -> None:
        self.library, self.count = library, 0
        self.original: Any = library.database.fetch
        library.database.fetch = self.fetch  # type: ignore[method-assign]  # it only counts

    async def fetch(self, *arguments: Any, **options: Any) -> Any:
        self.count += 1
        return await self.original(*arguments, **options)

    def stop(self) -> int:
        del self.library.database.fetch
        return self.count
