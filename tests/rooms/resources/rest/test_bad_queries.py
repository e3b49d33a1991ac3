"""Query strings, names, cursors and tokens that nobody should send: the right status, and only values reach SQL."""

import json
from urllib.parse import quote

import pytest

from tests.rooms.resources.rest.library import Library
from tests.rooms.resources.rest.told import HOSTILE, fine, told

WRONG_QUERIES = [
    "limit=0",
    "limit=-1",
    "limit=201",
    "limit=99999999999999999999",
    "limit=1.0",
    "limit=+1",
    "limit=%D9%A1",
    "limit=",
    "limit=1&limit=1",
    "page=0",
    "page=-1",
    "page=99999999999999",
    "size=0",
    "offset=-1",
    "offset=99999999999999999999",
    "count=many",
    "sort=",
    "sort=nothing",
    "sort=--title",
    "sort=title;drop",
    "sort=extra",
    "sort=author.name",
    "sort=title,,price",
    "fields=",
    "fields=nothing",
    "fields=tenant_id",
    "expand=",
    "expand=nothing",
    "expand=author.nothing",
    "expand=author.books.author.books",
    "after=",
    "after=x",
    "after=%00",
    "before=AAAA",
    "after=" + "A" * 9000,
    "nothing=1",
    "tilte=x",
    "title.nothing=x",
    "title.eq.eq=x",
    "title=a&title=a",
    "title=a&title.eq=a",
    "tenant_id=x",
    "price=abc",
    "price.lte=",
    "price=1e5",
    "pages=1.5",
    "pages.in=1,,2",
    "status=nonsense",
    "status.in=draft,x",
    "sold_at.gt=yesterday",
    "id=x",
    "id.in=x",
    "author.nothing=1",
    "author.books.author.books.title=x",
    "extra=x",
    "title.is=maybe",
    'title.in="a',
    'title.in=a"b',
    "title=%00",
    "%00=1",
    "title=%FF",
    "title=%",
    "title=%zz",
    "q=%00",
    "fields=title&fields=id",
    "=1",
    "&".join(f"x{n}=1" for n in range(600)),
]


async def test_a_query_that_cannot_be_taken_is_400_and_named(library: Library) -> None:
    for query in WRONG_QUERIES:
        answer = await library.client.get(f"/api/v1/books?{query}")
        assert answer.status_code == 400, f"{query[:80]}: {answer.text[:300]}"
        problem = told(answer, 400)
        assert problem.get("errors") or "query string" in problem["detail"], query[:80]
        assert all(error["loc"][0] == "query" for error in problem.get("errors", []))


async def test_an_unknown_parameter_names_the_nearest(library: Library) -> None:
    problem = told(await library.client.get("/api/v1/books?tilte=x"), 400)
    assert problem["code"] == "unknown_parameter"
    assert "title" in json.dumps(problem["errors"])


async def test_parameters_that_belong_to_lists_are_refused_elsewhere(library: Library) -> None:
    book = await library.book()
    before = await library.sizes()
    for method, path, body in (
        ("GET", f"/books/{book['id']}?limit=1", None),
        ("PATCH", f"/books/{book['id']}?title=x", {"title": "x"}),
        ("DELETE", f"/books/{book['id']}?force=1", None),
        ("POST", "/authors?limit=1", {"name": "x"}),
        ("POST", "/batch?dry=1", {"operations": [{"method": "POST", "path": "/authors", "body": {"name": "x"}}]}),
    ):
        told(await library.client.request(method, f"/api/v1{path}", json=body), 400)
    assert await library.sizes() == before


async def test_hostile_values_in_every_filter_are_only_values(library: Library) -> None:
    for text in HOSTILE:
        await library.book(title=text)
    before = await library.sizes()
    for text in HOSTILE:
        for operator in ("eq", "ne", "lt", "gte", "contains", "startswith", "endswith"):
            answer = await library.client.get("/api/v1/books", params={f"title.{operator}": text, "limit": "200"})
            fine(answer)
            titles = [row["title"] for row in answer.json()["items"]]
            assert (text in titles) == (operator in ("eq", "gte", "contains", "startswith", "endswith")), (
                operator,
                text,
            )
        quoted = '"' + text.replace('"', '""') + '"'
        found = await library.client.get("/api/v1/books", params={"title.in": quoted})
        assert [row["title"] for row in found.json()["items"]] == [text]
        fine(await library.client.get("/api/v1/books", params={"q": text}))
        fine(await library.client.get("/api/v1/books", params={"author.name": text}))
        fine(await library.client.get("/api/v1/books", params={"words": text}))
    assert await library.sizes() == before


async def test_hostile_names_are_refused_everywhere(library: Library) -> None:
    await library.book()
    before = await library.sizes()
    for text in HOSTILE:
        told(await library.client.get("/api/v1/books?" + quote(text, safe="") + "=1"), 400)
        for control in ("sort", "fields", "expand"):
            told(await library.client.get("/api/v1/books", params={control: text}), 400)
        told(await library.client.get("/api/v1/" + quote(text, safe="") + "/x"), 404)
        told(await library.client.get("/api/v1/books/" + quote(text, safe="")), 404)
        told(await library.client.patch("/api/v1/books/" + quote(text, safe=""), json={}), 404)
        told(await library.client.delete("/api/v1/books/" + quote(text, safe="")), 404)
        told(await library.client.post("/api/v1/authors", json={"name": "a", text: 1}), 422)
    assert await library.sizes() == before


async def test_a_cursor_of_another_query_tenant_or_hand_is_refused(library: Library) -> None:
    for number in range(3):
        await library.author(f"Author {number}")
    first = (await library.client.get("/api/v1/authors?limit=1&sort=name")).json()
    cursor = first["next"]
    good = await library.client.get(f"/api/v1/authors?limit=1&sort=name&after={cursor}")
    assert [row["name"] for row in good.json()["items"]] == ["Author 1"]
    flipped = [cursor[:at] + ("A" if cursor[at] != "A" else "B") + cursor[at + 1 :] for at in range(len(cursor))]
    forged = [*flipped, cursor[:-1], cursor[1:], cursor + "A", cursor + "=", cursor + "%20", cursor[:10], cursor * 2]
    for each in forged:
        told(await library.client.get(f"/api/v1/authors?limit=1&sort=name&after={each}"), 400)
    for query in ("sort=-name", "sort=created_at", "sort=name&name=Author%201", "sort=name&q=author"):
        told(await library.client.get(f"/api/v1/authors?limit=1&{query}&after={cursor}"), 400)
    told(await library.client.get(f"/api/v1/tags?limit=1&sort=name&after={cursor}"), 400)
    abroad = {"X-Tenant": "other"}
    told(await library.client.get(f"/api/v1/authors?limit=1&sort=name&after={cursor}", headers=abroad), 400)


@pytest.mark.parametrize("token", ["nobody", "", "a b", "\u00e9"])
async def test_a_token_that_proves_nothing_is_401(library: Library, token: str) -> None:
    library.client.headers.pop("Authorization")
    headers = [(b"Authorization", f"Bearer {token}".encode("latin-1"))]
    answer = await library.client.get("/api/v1/books", headers=headers)
    told(answer, 401)
    assert answer.headers["www-authenticate"].startswith("Bearer")
