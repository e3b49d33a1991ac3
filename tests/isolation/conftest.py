"""Two tenants with the same things in them, over one app and one database."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from mainstay.testing import Backend, Person
from tests.databases import Urls
from tests.isolation.shop import app

API = "/api/v1"


@dataclass
class Side:
    """One tenant: somebody signed in there, and the ids of what they made."""

    name: str
    person: Person
    author: str = ""
    book: str = ""
    tag: str = ""
    ids: set[str] = field(default_factory=set)

    def make(self) -> None:
        """An author with a code that the other tenant uses as well, a tag, and a tagged book."""
        self.author = self.made("authors", {"name": f"Ada of {self.name}", "code": "A1"})
        self.tag = self.made("tags", {"word": self.name})
        self.book = self.made("books", {"title": f"Sky over {self.name}", "author_id": self.author})
        linked = self.person.put(f"{API}/books/{self.book}/tags/{self.tag}")
        assert linked.status_code in (200, 204), linked.text

    def made(self, resource: str, body: dict[str, Any]) -> str:
        answer = self.person.post(f"{API}/{resource}", json=body)
        assert answer.status_code == 201, answer.text
        self.ids.add(answer.json()["id"])
        return str(answer.json()["id"])

    def rows(self) -> dict[str, Any]:
        """Everything this tenant holds, as it sees it itself."""
        lists = {
            name: self.person.get(f"{API}/{name}?sort=id").json()["items"] for name in ("authors", "books", "tags")
        }
        return lists | {"links": self.person.get(f"{API}/books/{self.book}/tags").json()["items"]}


@dataclass
class TwoTenants:
    """`ours` acts, `theirs` must neither be seen nor changed."""

    ours: Side
    theirs: Side
    both: Person


@pytest.fixture(params=["header", "token"])
def tenants(request: pytest.FixtureRequest, urls: Urls) -> Iterator[TwoTenants]:
    system = None if urls.system_url == urls.database_url else urls.system_url
    settings = {"tenant_from": request.param}
    with Backend(app, database_url=urls.database_url, system_url=system, settings=settings) as backend:
        acme, zeta = backend.tenant("acme"), backend.tenant("zeta")
        sides = [Side("acme", acme.as_user("ada", ["admin"])), Side("zeta", zeta.as_user("zoe", ["admin"]))]
        for side in sides:
            side.make()
        yield TwoTenants(sides[0], sides[1], acme.as_user("eve", ["user"]))
