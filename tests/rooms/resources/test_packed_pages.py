"""Pages that SQLite puts together say, byte for byte, what single rows say; repeated reads say what first ones did."""

import asyncio
from collections.abc import Iterator
from datetime import date, datetime, time
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Mapped

from mainstay.access import Access, Mask, anyone, owner, role, row
from mainstay.base.context import Caller
from mainstay.base.errors import BadRequest, CursorRefused, Forbidden, NotFound
from mainstay.model import Resource, field, owned
from mainstay.resources.answers import Answer
from mainstay.resources.plan.select import lens
from mainstay.resources.plan.select.packed import SEPARATOR
from tests.databases import Urls
from tests.rooms.resources.library import OTHER_TENANT, Shelf, caller, nobody, shelf


class Things(Resource, family=True):
    __abstract__ = True


class Plain(StrEnum):
    a = "a"
    b = "b c"


class Odd(StrEnum):
    quote = 'say "hi"'
    back = "back\\slash"
    snow = "☃"


class Thing(Things):
    """Something of every kind that SQLite spells as we do."""

    __tablename__ = "things"
    title: Mapped[str] = field()
    note: Mapped[str | None] = field()
    stock: Mapped[int | None] = field(index=True)
    price: Mapped[Decimal] = field(default=Decimal(1), digits=18, places=4)
    whole: Mapped[Decimal | None] = field(digits=18, places=0)
    lent: Mapped[bool] = field(default=False)
    maybe: Mapped[bool | None] = field()
    day: Mapped[date | None] = field()
    hour: Mapped[time | None] = field()
    at: Mapped[datetime | None] = field()
    other: Mapped[UUID | None] = field()
    plain: Mapped[Plain] = field(default=Plain.a)
    odd: Mapped[Odd | None] = field()
    labels: Mapped[list[str]] = field(default_factory=list)
    details: Mapped[dict[str, Any] | None] = field()
    owner_id: Mapped[UUID] = owned()
    __access__ = Access(
        read=(row.plain == "a") | owner, write=owner | role("editor"), create=anyone, fields={"note": Mask(read=owner)}
    )


texts = st.text(max_size=12).filter(lambda text: "\0" not in text) | st.sampled_from(
    ['"', "\\", "\x1e", "\x1f,\n\r\t\b\f", "</script>", "\x7f", "é", "𝄞", "￿", "'", "{}", '{"a":1}', "null", "\u2028"]
)
numbers = st.sampled_from([None, 0, -1, 7, 2**63 - 1, -(2**63)])
bodies = st.fixed_dictionaries(
    {"title": texts},
    optional={
        "note": st.none() | texts,
        "stock": numbers,
        "price": st.sampled_from(["0", "-0.0001", "0.5", "-12.3400", "99999999999999.9999", "-99999999999999.9999"]),
        "whole": st.sampled_from([None, "0", "-7", "999999999999999999", "-999999999999999999"]),
        "lent": st.booleans(),
        "maybe": st.sampled_from([None, True, False]),
        "day": st.sampled_from([None, "0001-01-01", "9999-12-31"]),
        "hour": st.sampled_from([None, "00:00:00", "23:59:59.999999"]),
        "at": st.sampled_from([None, "2020-01-01T00:00:00Z", "2020-01-01T00:00:00.000001Z"]),
        "other": st.none() | st.uuids().map(str),
        "plain": st.sampled_from(["a", "b c"]),
        "odd": st.sampled_from([None, *[each.value for each in Odd]]),
        "labels": st.lists(texts, max_size=3),
        "details": st.none() | st.dictionaries(texts, texts | numbers | st.booleans(), max_size=3),
    },
)
SORTS = ("", "sort=title", "sort=-stock", "sort=plain,-at", "sort=-odd,title", "sort=price", "sort=lent")


@pytest.fixture
def loop_and_things(urls: Urls) -> Iterator[tuple[asyncio.AbstractEventLoop, Shelf]]:
    loop = asyncio.new_event_loop()
    context = shelf(urls, (Thing,), Things)
    yield loop, loop.run_until_complete(context.__aenter__())
    loop.run_until_complete(context.__aexit__(None, None, None))
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()


def test_a_page_holds_each_row_byte_for_byte_as_the_row_itself_is_shown(loop_and_things: Any) -> None:
    loop, things = loop_and_things

    @settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(bodies, min_size=1, max_size=6), st.sampled_from(SORTS), st.integers(1, 4))
    def prove(rows: list[dict[str, Any]], sort: str, limit: int) -> None:
        loop.run_until_complete(_prove(things, rows, sort, limit))

    prove()


async def _prove(things: Shelf, rows: list[dict[str, Any]], sort: str, limit: int) -> None:
    tenant, records = uuid4(), things.records["things"]
    writer, reader = caller(tenant=tenant), caller(tenant=tenant)
    for data in rows:
        await records.create(writer, data)
    for who in (writer, reader, caller("admin", tenant=tenant)):
        shown: list[bytes] = []
        query = f"{sort}&limit={limit}".strip("&")
        while True:
            body = await _again_as_before(things, who, query)
            page = orjson.loads(body)
            inside = body[len(b'{"items":[') : body.index(b'],"next":', -600)]
            singles = [(await records.one(who, item["id"])).body for item in page["items"]]
            assert inside == b",".join(singles)
            shown += singles
            if page["next"] is None:
                break
            query = f"{sort}&limit={limit}&after={page['next']}".strip("&")
        seen = await things.items("things", "fields=id&limit=100", who)
        assert len(shown) == len(set(shown)) == len(seen)


async def _again_as_before(things: Shelf, who: Caller, query: str) -> bytes:
    """The page's body, after asking for it in the ordinary way and as a repeated read, which must say the same."""
    records, raw = things.records["things"], query.encode()
    first = await records.page(who, records.read_query(raw))
    now = records.page_now(who, records.read_query(raw), raw)
    again = page_again(things, who, raw)
    for each in (now, again):
        assert each is None or (each.body, each.etag) == (first.body, first.etag)
    # Orders without an index are slow, and go to a thread.
    assert again is not None or "sort" in query or things.database.name != "sqlite"
    return first.body


@pytest.fixture
async def things(urls: Urls) -> Any:
    async with shelf(urls, (Thing,), Things) as opened:
        yield opened


def again(things: Shelf, who: Caller, query: str = "") -> list[str] | None:
    """The titles of a repeated read; None where it is not one."""
    found = page_again(things, who, query.encode())
    return None if found is None else [item["title"] for item in orjson.loads(found.body)["items"]]


def page_again(things: Shelf, who: Caller, raw: bytes) -> Answer | None:
    """The page, read once more; None where it is not remembered."""
    found = things.records["things"].page_again(who, raw)
    return None if found is None else found[0](found[1])


def one_again(things: Shelf, who: Caller, key: str) -> Answer | None:
    """The row, read once more; None where it is not remembered."""
    found = things.records["things"].one_again(who, b"")
    return None if found is None else found(key)


async def read(things: Shelf, who: Caller, query: str = "") -> None:
    """Ask for a page, and remember it."""
    records, raw = things.records["things"], query.encode()
    await records.page(who, records.read_query(raw))
    records.page_now(who, records.read_query(raw), raw)


async def test_sqlite_sends_a_page_as_one_value(things: Shelf) -> None:
    await things.create("things", title="One")
    await things.create("things", title="Two")
    planner = things.records["things"]._planner
    plan, run, cursor, _ = await planner.rows(
        planner.registry["things"], things.admin, things.records["things"].read_query(b"")
    )
    values = plan.bind(things.records["things"].read_query(b""), run.values, cursor)
    rows = await things.database.fetch(things.admin.require_scope(), plan.statement, values)
    if things.database.name == "sqlite":
        assert len(rows) == 1
        assert rows[0][1] == 2
        assert rows[0][0].count(SEPARATOR) == 1
    else:
        assert len(rows) == 2


async def test_a_repeated_read_sees_what_was_written_meanwhile(things: Shelf) -> None:
    reader = caller()
    await things.create("things", title="One")
    await read(things, reader)
    two = await things.create("things", title="Two")
    assert again(things, reader) in (["One", "Two"], None)
    await things.records["things"].delete(things.admin, two["id"])
    assert again(things, reader) in (["One"], None)
    if things.database.name == "sqlite":
        assert again(things, reader) is not None


async def test_a_repeated_read_stays_in_its_tenant_although_the_actor_is_the_same(things: Shelf) -> None:
    await things.create("things", title="Here")
    await things.create("things", caller("admin", tenant=OTHER_TENANT), title="There")
    here, there = nobody(), nobody(OTHER_TENANT)
    assert here.actor is there.actor
    await read(things, here)
    assert again(things, there) is None
    await read(things, there)
    assert again(things, there) in (["There"], None)
    # The memory holds one tenant's read at a time.
    assert again(things, here) is None
    assert [item["title"] for item in await things.items("things", by=here)] == ["Here"]


async def test_a_row_read_again_keeps_to_tenant_policy_and_masks(things: Shelf) -> None:
    records, author, reader = things.records["things"], caller(), caller()
    mine = await things.create("things", author, title="Mine", plain="b c", note="n")
    other = await things.create("things", author, title="Open", note="secret")
    elsewhere = await things.create("things", caller("admin", tenant=OTHER_TENANT), title="There")
    for who in (author, reader):
        await records.one(who, other["id"])
        records.one_now(who, other["id"], raw=b"")
    shown = one_again(things, reader, other["id"])
    if things.database.name == "sqlite":
        # Its tag needs the body, since a mask depends on the row: such rows are not remembered.
        assert shown is None
    for key in (mine["id"], elsewhere["id"]):
        assert one_again(things, reader, key) is None
        with pytest.raises(NotFound):
            await records.one(reader, key)


async def test_a_cursor_of_a_repeated_read_is_verified_each_time(things: Shelf) -> None:
    reader, records = caller(), things.records["things"]
    for number in range(5):
        await things.create("things", title=str(number))
    page = await things.page("things", "limit=2", reader)
    query = f"limit=2&after={page['next']}"
    await read(things, reader, query)
    assert again(things, reader, query) in (["2", "3"], None)
    forged = query[:-1] + ("A" if query[-1] != "A" else "B")
    foreign = (await things.page("things", "limit=2&sort=title", reader))["next"]
    for wrong in (forged, f"limit=2&after={foreign}"):
        with pytest.raises(CursorRefused):
            await _either_way(things, reader, wrong)
    for wrong in (
        "limit=2&after=",
        f"{query}&after=x",
        f"limit=2&limit=2&after={page['next']}",
        f"after={page['next']}&nope=1",
    ):
        assert records.page_again(reader, wrong.encode()) is None
        with pytest.raises(BadRequest):
            await things.page("things", wrong, reader)


async def test_what_is_remembered_is_bounded_for_each_caller_and_for_all(
    things: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    if things.database.name != "sqlite":
        return
    monkeypatch.setattr(lens, "_READS", 40)
    first, second = caller(), caller()
    await read(things, first, "limit=1")
    assert again(things, first, "limit=1") == []
    for number in range(2, 50):
        await read(things, second, f"limit={number}")
    kept = things.records["things"]._planner.lenses.kept("things", second.actor)
    assert kept is not None
    assert 0 < len(kept.repeated) <= 32
    assert again(things, first, "limit=1") is None


async def _either_way(things: Shelf, who: Caller, query: str) -> None:
    if page_again(things, who, query.encode()) is None:
        await things.page("things", query, who)


async def test_another_actor_of_the_same_user_is_judged_anew(things: Shelf) -> None:
    user = uuid4()
    author = caller(user=user)
    await things.create("things", author, title="Mine", plain="b c")
    await read(things, author)
    narrowed = Caller(
        type(author.actor)(user_id=user, scopes=frozenset({"other:read"}), narrowed=True), author.scope, "test"
    )
    assert again(things, narrowed) is None
    with pytest.raises(Forbidden):
        await things.page("things", "", narrowed)
