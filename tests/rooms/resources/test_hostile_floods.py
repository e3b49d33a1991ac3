"""More than anybody could mean: refused before it costs what the event loop cannot spare."""

import pytest

from mainstay.base.errors import BadRequest, Invalid
from mainstay.resources.plan.cache import PlanCache
from tests.rooms.resources.library import Shelf


async def test_thousands_of_strange_parameters_are_not_all_pondered(library: Shelf) -> None:
    books = library.records["books"]
    for query in (b"&".join(b"titl%d=1" % n for n in range(5000)), b"&".join([b"title=a"] * 6000)):
        with pytest.raises(BadRequest) as refused:
            books.read_query(query)
        assert 1 < len(refused.value.errors) <= 50
    # The control: a few mistakes are all named.
    with pytest.raises(BadRequest) as refused:
        books.read_query(b"a=1&b=2&titel=3")
    assert [each.loc[1] for each in refused.value.errors] == ["a", "b", "titel"]


async def test_thousands_of_strange_names_in_a_body_are_not_all_pondered(library: Shelf) -> None:
    books = library.records["books"]
    with pytest.raises(Invalid) as refused:
        await books.create(library.admin, {f"titl{n}": 1 for n in range(70_000)})
    assert len(refused.value.errors) <= 52
    assert "Did you mean title?" in refused.value.errors[0].message
    assert await library.items("books") == []


async def test_a_search_is_for_a_few_words(library: Shelf) -> None:
    await library.create("books", title="Emma")
    assert len(await library.items("books", "q=emma")) == 1
    assert await library.items("books", "q=" + "a%20" * 500) == []
    with pytest.raises(BadRequest) as refused:
        library.records["books"].read_query(b"q=" + b"ab+" * 5000)
    assert refused.value.errors[0].code == "too_long"


def test_plans_of_ever_new_shapes_push_out_old_ones() -> None:
    kept: PlanCache[int] = PlanCache(8)
    for shape in range(40):
        kept.get((shape,), lambda shape=shape: shape)  # type: ignore[misc]  # a loop's closure
    # A quarter of the room: the rest is for shapes that are asked for twice.
    assert len(kept) == 2
