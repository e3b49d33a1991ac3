"""Every generated route, aimed at another tenant's rows, beside the same request aimed at one's own."""

from collections.abc import Callable
from typing import Any

import httpx2 as httpx
import pytest

from tests.isolation.conftest import API, Side, TwoTenants
from tests.isolation.shop import app

# What a request does: sent by the first side's person, aimed at the second side's rows.
Aim = Callable[[Side, Side], httpx.Response]


def call(method: str, path: str, body: Any = None) -> Callable[[Side, Side], httpx.Response]:
    """`{author}`, `{book}` and `{tag}` are the target's; `{my_book}` and so on the caller's own. In bodies too."""

    def send(caller: Side, target: Side) -> httpx.Response:
        names = {name: getattr(target, name) for name in ("author", "book", "tag")}
        names |= {f"my_{name}": getattr(caller, name) for name in ("author", "book", "tag")}
        json = None if body is None else {name: _filled(value, names) for name, value in body.items()}
        return caller.person.request(method, API + path.format(**names), json=json)

    return send


def _filled(value: Any, names: dict[str, str]) -> Any:
    return value.format(**names) if isinstance(value, str) else value


NOWHERE = "00000000-0000-4000-8000-00000000abcd"
BOOK = {"title": "Taken", "author_id": "{my_author}"}
# Requests that name a row. Aimed at one's own they succeed, at another tenant's they are 404 (409 for a reference).
NAMING: dict[tuple[str, str], list[Aim]] = {
    ("get", "/authors/{id}"): [call("GET", "/authors/{author}"), call("HEAD", "/authors/{author}")],
    ("put", "/authors/{id}"): [call("PUT", "/authors/{author}", {"name": "Taken", "code": "T1"})],
    ("patch", "/authors/{id}"): [call("PATCH", "/authors/{author}", {"name": "Taken"})],
    ("get", "/authors/{id}/books"): [call("GET", "/authors/{author}/books")],
    ("get", "/books/{id}"): [call("GET", "/books/{book}"), call("GET", "/books/{book}?expand=author,tags")],
    ("put", "/books/{id}"): [
        call("PUT", "/books/{book}", BOOK),
        call("PUT", "/books/{my_book}", BOOK | {"author_id": "{author}"}),
    ],
    ("patch", "/books/{id}"): [
        call("PATCH", "/books/{book}", {"title": "Taken"}),
        call("PATCH", "/books/{my_book}", {"author_id": "{author}"}),
    ],
    ("get", "/books/{id}/tags"): [call("GET", "/books/{book}/tags")],
    ("put", "/books/{id}/tags/{related_id}"): [
        call("PUT", "/books/{book}/tags/{tag}"),
        call("PUT", "/books/{my_book}/tags/{tag}"),
        call("PUT", "/books/{book}/tags/{my_tag}"),
    ],
    ("delete", "/books/{id}/tags/{related_id}"): [call("DELETE", "/books/{book}/tags/{tag}")],
    ("delete", "/books/{id}"): [call("DELETE", "/books/{book}")],
    ("delete", "/authors/{id}"): [call("DELETE", "/authors/{author}")],
    ("get", "/tags/{id}"): [call("GET", "/tags/{tag}")],
    ("patch", "/tags/{id}"): [call("PATCH", "/tags/{tag}", {"word": "taken"})],
    ("delete", "/tags/{id}"): [call("DELETE", "/tags/{tag}")],
    ("post", "/books"): [call("POST", "/books", {"title": "Taken", "author_id": "{author}"})],
}
# Requests that name no row, or make one: what they show and make is the caller's own. Tested below, by name.
ELSEWHERE = {
    ("get", "/authors"), ("get", "/books"), ("get", "/tags"), ("post", "/authors"), ("post", "/tags"),
    ("put", "/tags/{id}"), ("post", "/batch"),
}  # fmt: skip


def test_every_generated_operation_is_here() -> None:
    paths = app.openapi()["paths"]
    there = {
        (method, path.removeprefix(API))
        for path, item in paths.items()
        if path.startswith(API + "/")
        for method in item
        if method in ("get", "put", "post", "delete", "patch")
    }
    assert there == NAMING.keys() | ELSEWHERE


@pytest.mark.parametrize("operation", NAMING, ids=" ".join)
def test_a_row_of_another_tenant_is_not_there(tenants: TwoTenants, operation: tuple[str, str]) -> None:
    ours, theirs = tenants.ours, tenants.theirs
    before = theirs.rows()
    for aim in NAMING[operation]:
        denied = aim(ours, theirs)
        assert denied.status_code in (404, 409), denied.text
        # Whether it exists elsewhere must not show: a made-up id gets the same answer.
        made_up = Side("nobody", ours.person, NOWHERE, NOWHERE, NOWHERE)
        assert aim(ours, made_up).status_code == denied.status_code
    assert theirs.rows() == before
    if operation == ("delete", "/authors/{id}"):
        assert call("DELETE", "/books/{book}")(ours, ours).is_success
    for aim in NAMING[operation]:
        allowed = aim(ours, ours)
        assert allowed.is_success, allowed.text
    assert theirs.rows() == before


@pytest.mark.parametrize("resource", ["authors", "books", "tags"])
def test_a_list_holds_ones_own_rows_and_no_others(tenants: TwoTenants, resource: str) -> None:
    for here, there in ((tenants.ours, tenants.theirs), (tenants.theirs, tenants.ours)):
        for query in ("", "?sort=-id", "?page=1&size=50&count=exact", "?offset=0&limit=50", "?expand=*"):
            if query == "?expand=*":
                query = {"authors": "?expand=books", "books": "?expand=author,tags", "tags": ""}[resource]
            text = here.person.get(f"{API}/{resource}{query}").text
            assert getattr(here, resource[:-1]) in text
            assert not [each for each in there.ids if each in text]


@pytest.mark.parametrize(
    ("resource", "query", "kind"),
    [
        ("books", "id={book}", "book"),
        ("books", "id.in={book}", "book"),
        ("books", "author_id={author}", "book"),
        ("books", "author.id={author}", "book"),
        ("books", "author.name.contains=Ada of {name}", "book"),
        ("books", "title.contains=over {name}", "book"),
        ("books", "title.startswith=Sky over {name}", "book"),
        ("books", "q={name}", "book"),
        ("authors", "q={name}", "author"),
        ("authors", "name=Ada of {name}", "author"),
        ("tags", "word={name}", "tag"),
    ],
)
def test_a_filter_finds_nothing_of_another_tenant(tenants: TwoTenants, resource: str, query: str, kind: str) -> None:
    ours, theirs = tenants.ours, tenants.theirs

    def found(target: Side) -> list[str]:
        filled = query.format(name=target.name, author=target.author, book=target.book)
        answer = ours.person.get(f"{API}/{resource}?{filled}&count=exact")
        assert answer.status_code == 200, answer.text
        assert answer.json()["count"] == len(answer.json()["items"])
        return [row["id"] for row in answer.json()["items"]]

    assert found(ours) == [getattr(ours, kind)]
    assert found(theirs) == []


def test_a_cursor_of_another_tenant_is_refused(tenants: TwoTenants) -> None:
    for side in (tenants.ours, tenants.theirs):
        for number in range(3):
            side.made("tags", {"word": f"{number}"})
    given = tenants.theirs.person.get(f"{API}/tags?limit=1").json()["next"]
    url = f"{API}/tags?limit=1&after={given}"
    assert tenants.theirs.person.get(url).status_code == 200
    refused = tenants.ours.person.get(url)
    assert (refused.status_code, refused.json()["code"]) == (400, "cursor_refused")


def test_what_one_makes_is_ones_own(tenants: TwoTenants) -> None:
    ours, theirs = tenants.ours, tenants.theirs
    before = theirs.rows()
    for resource, body in (
        ("authors", {"name": "New", "code": "N1"}),
        ("tags", {"word": "new"}),
        ("books", {"title": "New", "author_id": ours.author}),
    ):
        made = ours.made(resource, body)
        assert ours.person.get(f"{API}/{resource}/{made}").status_code == 200
        assert theirs.person.get(f"{API}/{resource}/{made}").status_code == 404
    assert theirs.rows() == before


def test_many_at_once_are_all_or_none_when_one_refers_elsewhere(tenants: TwoTenants) -> None:
    ours, theirs = tenants.ours, tenants.theirs
    before = ours.rows(), theirs.rows()
    bodies = [{"title": "One", "author_id": ours.author}, {"title": "Two", "author_id": theirs.author}]
    assert ours.person.post(f"{API}/books", json=bodies).status_code in (404, 409)
    assert (ours.rows(), theirs.rows()) == before
    bodies[1]["author_id"] = ours.author
    assert ours.person.post(f"{API}/books", json=bodies).status_code == 201


def test_the_tenant_cannot_be_written(tenants: TwoTenants) -> None:
    ours = tenants.ours
    body = {"word": "x", "tenant_id": "00000000-0000-7000-8000-000000000001"}
    assert ours.person.post(f"{API}/tags", json=body).status_code == 422
    assert ours.person.patch(f"{API}/tags/{ours.tag}", json=body).status_code == 422
    assert ours.person.patch(f"{API}/tags/{ours.tag}", json={"word": "x"}).status_code == 200


def test_a_row_made_by_put_under_another_tenants_id_is_ones_own(tenants: TwoTenants) -> None:
    ours, theirs = tenants.ours, tenants.theirs
    before = theirs.rows()
    # The key is (tenant, id): the same id may exist in both, and neither learns of the other.
    assert ours.person.put(f"{API}/tags/{theirs.tag}", json={"word": "mine"}).status_code == 201
    assert ours.person.get(f"{API}/tags/{theirs.tag}").json()["word"] == "mine"
    assert ours.person.put(f"{API}/tags/{theirs.tag}", json={"word": "again"}).status_code == 200
    assert theirs.rows() == before


def test_unique_is_within_the_tenant(tenants: TwoTenants) -> None:
    # Both sides were given an author with the code A1.
    assert tenants.ours.person.get(f"{API}/authors?code=A1").json()["items"][0]["id"] == tenants.ours.author
    again = tenants.ours.person.post(f"{API}/authors", json={"name": "Ada", "code": "A1"})
    assert again.status_code == 409


@pytest.mark.parametrize(
    "aimed",
    [
        {"method": "PATCH", "path": "/books/{book}", "body": {"title": "Taken"}},
        {"method": "PUT", "path": "/books/{book}", "body": {"title": "Taken", "author_id": "{my_author}"}},
        {"method": "DELETE", "path": "/books/{book}"},
        {"method": "POST", "path": "/books", "body": {"title": "Taken", "author_id": "{author}"}},
    ],
    ids=lambda aimed: str(aimed["method"]),
)
def test_a_batch_reaches_no_further_than_its_parts(tenants: TwoTenants, aimed: dict[str, Any]) -> None:
    ours, theirs = tenants.ours, tenants.theirs

    def send(target: Side) -> httpx.Response:
        names = {"book": target.book, "author": target.author, "my_author": ours.author}
        operation = aimed | {"path": aimed["path"].format(**names)}
        if "body" in aimed:
            operation["body"] = {name: value.format(**names) for name, value in aimed["body"].items()}
        first = {"method": "POST", "path": "/tags", "body": {"word": "first"}}
        return ours.person.post(f"{API}/batch", json={"operations": [first, operation]})

    before = ours.rows(), theirs.rows()
    assert send(theirs).status_code in (404, 409)
    # Nothing half-done: the tag that came first in the batch isn't there either.
    assert (ours.rows(), theirs.rows()) == before
    assert send(ours).status_code == 200
    assert theirs.rows() == before[1]


def test_an_idempotency_key_belongs_to_its_tenant(tenants: TwoTenants) -> None:
    headers, body = {"Idempotency-Key": f"same-in-both-{tenants.ours.tag}"}, {"word": "once"}
    made = []
    for side in (tenants.ours, tenants.theirs):
        first = side.person.post(f"{API}/tags", json=body, headers=headers)
        again = side.person.post(f"{API}/tags", json=body, headers=headers)
        assert (first.status_code, again.status_code) == (201, 201)
        assert first.json()["id"] == again.json()["id"]
        made.append(first.json()["id"])
    assert made[0] != made[1]
    assert len(tenants.ours.person.get(f"{API}/tags?word=once").json()["items"]) == 1


def test_an_etag_of_another_tenant_tells_nothing(tenants: TwoTenants) -> None:
    theirs = tenants.theirs.person.get(f"{API}/books/{tenants.theirs.book}").headers["etag"]
    asked = {"If-None-Match": theirs}
    assert tenants.ours.person.get(f"{API}/books/{tenants.theirs.book}", headers=asked).status_code == 404
    assert tenants.theirs.person.get(f"{API}/books/{tenants.theirs.book}", headers=asked).status_code == 304


def test_a_stranger_gets_in_nowhere(tenants: TwoTenants) -> None:
    """Eve is a plain member of acme: what acme's rules give her ends at acme's border."""
    assert tenants.eve.get(f"{API}/books/{tenants.ours.book}").status_code == 200
    assert tenants.eve.get(f"{API}/books/{tenants.theirs.book}").status_code == 404
    named = {"X-Tenant-ID": "zeta"}
    answer = tenants.eve.get(f"{API}/books/{tenants.theirs.book}", headers=named)
    assert answer.status_code == 404
