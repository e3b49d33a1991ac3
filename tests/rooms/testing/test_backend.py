"""`Backend`: an app on a fresh database, as anybody in any tenant."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import httpx2 as httpx
import pytest
from fastapi import Depends
from sqlalchemy.orm import Mapped

from mainstay import Access, Mainstay, Resource, field, owned, owner, role, signed_in
from mainstay.base.errors import ConfigurationError
from mainstay.testing import Backend, FakeClock
from tests.databases import Urls


class Base(Resource, family=True):
    """Its own tables."""

    __abstract__ = True


class Note(Base):
    """Something to remember."""

    __tablename__ = "notes"
    __access__ = Access(read=owner | role("reader"), create=signed_in, update=owner, delete=owner)

    title: Mapped[str] = field(max_length=40)
    owner_id: Mapped[UUID] = owned()


async def motto() -> str:
    return "the real one"


@pytest.fixture
def app() -> Mainstay:
    """An app with a resource and two routes of its own."""
    app = Mainstay(resources=[Note])

    @app.get("/motto")
    async def show(words: Annotated[str, Depends(motto)]) -> str:
        return words

    @app.get("/broken")
    async def broken() -> None:
        raise ZeroDivisionError

    return app


@pytest.fixture
def backend(app: Mainstay, urls: Urls) -> Iterator[Backend]:
    """On each database in turn."""
    system = urls.system_url if urls.system_url != urls.database_url else None
    with Backend(app, database_url=urls.database_url, system_url=system) as opened:
        yield opened


def add(person: Any, title: str) -> str:
    made = person.post("/api/v1/notes", json={"title": title})
    assert made.status_code == 201, made.text
    return str(made.headers["location"])


def test_users_act_as_themselves(backend: Backend) -> None:
    ada, ben = backend.as_user("ada"), backend.as_user("ben")
    note = add(ada, "mine")
    assert ada.get(note).json()["owner_id"] == str(ada.id)
    assert ben.get(note).status_code == 404
    assert backend.anonymous.get("/api/v1/notes").status_code == 401
    assert backend.client.get("/auth/me").status_code == 401
    assert ada.get("/auth/me").json()["email"] == "ada@example.com"


def test_a_test_may_leave_nobody_to_administer(backend: Backend) -> None:
    assert backend.as_user("boss", roles=["admin"]).get("/auth/users").status_code == 200
    assert backend.as_user("boss", roles=["user"]).get("/auth/users").status_code == 403


def test_roles_are_those_that_are_asked_for_last(backend: Backend) -> None:
    note = add(backend.as_user("ada"), "mine")
    assert backend.as_user("eve", roles=["reader"]).get(note).status_code == 200
    assert backend.as_user("eve", roles=["user"]).get(note).status_code == 404


async def test_the_async_client_works_on_the_tests_own_loop(backend: Backend) -> None:
    ada = backend.as_user("ada")
    made = await ada.async_client.post("/api/v1/notes", json={"title": "x" * 30})
    assert made.status_code == 201
    listed = await ada.async_client.get("/api/v1/notes", params={"fields": "title"})
    assert [each["title"] for each in listed.json()["items"]] == ["x" * 30]
    assert (await backend.async_client.get("/auth/me")).status_code == 401
    assert isinstance(ada.async_client, httpx.AsyncClient)


def test_the_same_user_is_somebody_else_in_another_tenant(app: Mainstay, urls: Urls) -> None:
    system = urls.system_url if urls.system_url != urls.database_url else None
    for how in ("token", "header"):
        given = {"tenant_from": how}
        with Backend(app, database_url=urls.database_url, system_url=system, settings=given) as backend:
            acme, other = backend.tenant("acme"), backend.tenant("other")
            note = add(acme.as_user("ada"), "of acme")
            assert acme.as_user("eve", roles=["reader"]).get(note).status_code == 200
            assert other.as_user("ada").get(note).status_code == 404
            assert other.as_user("eve", roles=["reader"]).get("/api/v1/notes").json()["items"] == []


def test_an_app_of_one_tenant_says_so(backend: Backend) -> None:
    with pytest.raises(ConfigurationError, match="tenant_from"):
        backend.tenant("acme")


def test_dependencies_are_overridden_and_put_back(app: Mainstay) -> None:
    async def another() -> str:
        return "for the test"

    with Backend(app) as backend:
        backend.dependency_overrides[motto] = another
        assert backend.client.get("/motto").json() == "for the test"
    with Backend(app) as backend:
        assert backend.client.get("/motto").json() == "the real one"


def test_settings_are_those_of_the_test_and_put_back(app: Mainstay) -> None:
    before = app.settings
    body = {"email": "ada@example.com", "password": "a long and quiet night"}
    with Backend(app, settings={"sign_up": False}) as backend:
        assert backend.settings.environment == "testing"
        assert backend.client.post("/auth/sign-up", json=body).status_code in (403, 404)
    assert app.settings is before
    with Backend(app) as backend:
        assert backend.client.post("/auth/sign-up", json=body).status_code == 202


@pytest.mark.parametrize("settings", [{"sing_up": True}, {"port": "eighty"}])
def test_a_setting_that_cannot_be_is_refused(app: Mainstay, settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError), Backend(app, settings=settings):
        pass


def test_time_passes_when_the_test_says_so(backend: Backend) -> None:
    ada = backend.as_user("ada")
    assert ada.get("/auth/me").status_code == 200
    backend.clock.advance(minutes=11)
    assert ada.get("/auth/me").status_code == 401


def test_what_the_app_raises_is_raised_in_the_test_unless_told_otherwise(app: Mainstay) -> None:
    with Backend(app) as backend, pytest.raises(ZeroDivisionError):
        backend.client.get("/broken")
    with Backend(app, raise_exceptions=False) as backend:
        answer = backend.client.get("/broken")
        assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")


def test_the_apps_own_code_runs_as_somebody(app: Mainstay, backend: Backend) -> None:
    ada, ben = backend.as_user("ada"), backend.as_user("ben")
    ada.run(app.records(Note).create, title="by code")
    assert [row.title for row in ada.run(app.records(Note).list).items] == ["by code"]
    assert ben.run(app.records(Note).list).items == []


def test_each_test_has_its_own_rows_and_leaves_no_files(app: Mainstay) -> None:
    for _ in range(2):
        with Backend(app) as backend:
            folder = Path(backend.settings.database().removeprefix("sqlite:///")).parent
            assert backend.as_user("ada").get("/api/v1/notes").json()["items"] == []
            add(backend.as_user("ada"), "mine")
        assert not folder.exists()


def test_a_clock_flows_stops_and_goes_on() -> None:
    clock = FakeClock()
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=5)
    first = clock.monotonic()
    clock.advance(hours=2)
    assert clock.monotonic() - first >= 7200
    clock.freeze(datetime(2030, 1, 1, tzinfo=UTC))
    assert clock.now() == clock.now() == datetime(2030, 1, 1, tzinfo=UTC)
    clock.advance(seconds=1)
    assert clock.now() == datetime(2030, 1, 1, 0, 0, 1, tzinfo=UTC)
    clock.flow()
    assert timedelta() <= clock.now() - datetime(2030, 1, 1, 0, 0, 1, tzinfo=UTC) < timedelta(seconds=5)
    with pytest.raises(ValueError, match="forward"):
        clock.advance(seconds=-1)
    with pytest.raises(ValueError, match="time zone"):
        clock.freeze(datetime(2030, 1, 1))
