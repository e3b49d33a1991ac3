"""Two tenants with the same things in them, over one app and one database."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from mainstay.testing import Backend, Person
from tests.databases import Administrator, Urls
from tests.isolation.shop import app

API = "/api/v1"
RESOURCES = ("books", "authors", "tags")


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
        lists = {name: self.listed(name) for name in RESOURCES}
        return lists | {"links": self.person.get(f"{API}/books/{self.book}/tags").json()["items"]}

    def listed(self, resource: str) -> list[dict[str, Any]]:
        answer = self.person.get(f"{API}/{resource}?sort=id&limit=100")
        assert answer.status_code == 200, answer.text
        items: list[dict[str, Any]] = answer.json()["items"]
        return items

    def clear(self) -> None:
        """Nothing is left for the next test to find."""
        for resource in RESOURCES:
            for row in self.listed(resource):
                assert self.person.delete(f"{API}/{resource}/{row['id']}").status_code == 204


@dataclass
class TwoTenants:
    """`ours` acts, `theirs` must neither be seen nor changed. `eve` is a plain member of ours."""

    ours: Side
    theirs: Side
    eve: Person


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def databases(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Urls]:
    """A database that lasts for the module: what is between two tenants does not depend on what was there before."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('isolation') / 'shop.db'}"
        yield Urls(url, url, "sqlite")
        return
    administrator: Administrator = request.getfixturevalue("administrator")
    urls = administrator.create()
    yield urls
    assert not administrator.drop(urls)


@pytest.fixture(scope="module", params=["header", "token"])
def backend(request: pytest.FixtureRequest, databases: Urls) -> Iterator[Backend]:
    """The app over both databases, resolving tenants in both ways."""
    system = None if databases.name == "sqlite" else databases.system_url
    settings = {"tenant_from": request.param}
    with Backend(app, database_url=databases.database_url, system_url=system, settings=settings) as backend:
        yield backend


@pytest.fixture
def tenants(backend: Backend) -> Iterator[TwoTenants]:
    acme, zeta = backend.tenant("acme"), backend.tenant("zeta")
    ours, theirs = Side("acme", acme.as_user("ada", ["admin"])), Side("zeta", zeta.as_user("zoe", ["admin"]))
    for side in (ours, theirs):
        side.make()
    yield TwoTenants(ours, theirs, acme.as_user("eve", ["user"]))
    for side in (ours, theirs):
        side.clear()
