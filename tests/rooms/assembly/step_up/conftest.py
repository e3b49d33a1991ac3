"""One app over each database, and people who have proved who they are, or did so long ago."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx2 as httpx
import pytest

from mainstay.base.context import current_caller
from mainstay.identity.sessions.start_session import strengthen_session
from mainstay.testing import Backend, Person
from tests.databases import Administrator, Urls
from tests.rooms.assembly.step_up.vault import app

API = "/api/v1"


@dataclass
class Money:
    """Who asks, and what there is to ask for."""

    backend: Backend
    person: Person
    session: UUID
    key: dict[str, str]

    def prove(self, *methods: str) -> None:
        """As after a step-up: by a password, unless methods are given."""
        room = self.backend.app.rooms.identity._room
        self.backend.run(strengthen_session, room, self.session, methods or ("pwd",))

    def wait(self, seconds: float) -> None:
        """Time passes, in which nothing is revoked: what is remembered of a token stays remembered."""
        self.backend.run(self._wait, seconds)

    async def _wait(self, seconds: float) -> None:
        while seconds > 0:
            # A process that slept for longer would forget everything, to be sure.
            self.backend.clock.advance(seconds=min(25, seconds))
            await self.backend.app.rooms.identity.revocations.poll()
            seconds -= 25

    def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        return self.person.request(method, API + path, **options)

    def by_key(self, method: str, path: str, **options: Any) -> httpx.Response:
        return self.backend.client.request(method, API + path, headers=self.key, **options)

    def made(self, resource: str, **values: Any) -> str:
        answer = self.call("POST", f"/{resource}", json=values)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def rows(self) -> dict[str, str]:
        """One of everything, made by somebody who has proved it all."""
        self.prove("otp", "mfa")
        account = self.made("accounts", name="Savings")
        label = self.made("labels", word="rent")
        movement = self.made("movements", text="Rent", account_id=account)
        statement = self.made("statements", title="May")
        line = self.made("lines", statement_id=statement)
        linked = self.call("PUT", f"/movements/{movement}/labels/{label}")
        assert linked.status_code == 204, linked.text
        return {"account": account, "label": label, "movement": movement, "statement": statement, "line": line}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def databases(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Urls]:
    """A database that lasts for the module."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('step_up') / 'vault.db'}"
        yield Urls(url, url, "sqlite")
        return
    administrator: Administrator = request.getfixturevalue("administrator")
    urls = administrator.create()
    yield urls
    assert not administrator.drop(urls)


@pytest.fixture(scope="module")
def backend(databases: Urls) -> Iterator[Backend]:
    system = None if databases.name == "sqlite" else databases.system_url
    # A token that outlives every proof: that it is good is no proof of lately.
    settings = {"access_token_seconds": 86_400, "limits": False}
    with Backend(app, database_url=databases.database_url, system_url=system, settings=settings) as backend:
        yield backend


@pytest.fixture(scope="module")
def money(backend: Backend) -> Money:
    person = backend.as_user("ada", ["admin"])
    made = person.post("/auth/keys", json={"name": "robot", "scopes": _scopes()})
    assert made.status_code == 201, made.text

    async def session() -> UUID:
        caller = current_caller()
        assert caller is not None
        assert caller.actor.session_id is not None
        return caller.actor.session_id

    key = {"Authorization": f"Bearer {made.json()['key']}"}
    return Money(backend, person, person.run(session), key)


def _scopes() -> list[str]:
    names = ("accounts", "labels", "movements", "statements", "lines")
    return [f"{name}:{verb}" for name in names for verb in ("read", "write", "delete")]
