"""Roles and scopes that the app declares, and what they change in answers."""

from collections.abc import Iterator
from typing import Annotated

import pytest
from fastapi import Depends, Security
from sqlalchemy.orm import Mapped

from mainstay import (
    Access,
    ConfigurationError,
    CurrentUser,
    Mainstay,
    Mask,
    Resource,
    current_user,
    field,
    require_scopes,
    role,
    row,
    scope,
    signed_in,
)
from mainstay.testing import Backend
from tests.databases import Urls


class Base(Resource, family=True):
    """Apart from other tests' tables."""

    __abstract__ = True


class Book(Base):
    """A title, and what it cost."""

    __tablename__ = "books"
    __access__ = Access(
        read=signed_in, write=role("buyer"), fields={"cost": Mask(read=scope("costs:read"), write=role("buyer"))}
    )
    title: Mapped[str] = field(max_length=100)
    cost: Mapped[int] = field(default=0)


class Press(Base):
    """A machine: who may read of it and what it prints is asked of the caller alone; who ends it, of the row too."""

    __tablename__ = "presses"
    __access__ = Access(
        read=scope("costs:read", "reports:export"),
        update=role("buyer", "clerk"),
        delete=role("buyer") & (row.name == "x"),
    )
    name: Mapped[str] = field(max_length=100)


def build() -> Mainstay:
    app = Mainstay(resources=[Book, Press])
    app.role("clerk", scopes=["costs:read", "reports:export"], description="Keeps the books")
    app.scope("reports:export", "Export reports", sensitivity="high")
    app.scope("costs:read", "See what things cost", category="money")

    @app.get("/report")
    async def report(user: Annotated[CurrentUser, Security(current_user, scopes=["reports:export"])]) -> str:
        return str(user.id)

    @app.get("/both", dependencies=[Depends(require_scopes("reports:export", "costs:read"))])
    async def both() -> str:
        return "in"

    return app


@pytest.fixture
def backend(urls: Urls) -> Iterator[Backend]:
    with Backend(
        build(), database_url=urls.database_url, system_url=urls.system_url, settings={"limits": False}
    ) as made:
        yield made


def test_a_role_gives_the_scopes_that_the_app_said(backend: Backend) -> None:
    clerk, ada, boss = backend.as_user("clerk", ["clerk"]), backend.as_user("ada"), backend.as_user("boss", ["admin"])
    for person, status in ((clerk, 200), (boss, 200), (ada, 403)):
        assert person.get("/report").status_code == person.get("/both").status_code == status
    refused = ada.get("/both")
    assert refused.json()["missing_scopes"] == ["costs:read", "reports:export"]
    challenge = 'Bearer realm="mainstay", error="insufficient_scope", scope="costs:read reports:export"'
    assert refused.headers["www-authenticate"] == challenge
    catalogue = {each["name"]: each for each in ada.get("/auth/scopes").json()["items"]}
    assert catalogue["reports:export"] == {
        "name": "reports:export", "description": "Export reports", "category": "reports", "sensitivity": "high"
    }  # fmt: skip
    assert catalogue["costs:read"]["category"] == "money"
    assert {"books:read", "books:write", "books:delete", "user:read", "system:write"} <= catalogue.keys()
    roles = {each["name"]: each for each in ada.get("/auth/roles").json()["items"]}
    assert roles["clerk"]["scopes"] == ["costs:read", "reports:export"]
    # `buyer` was never declared: the access rules speak of it.
    assert roles["buyer"]["scopes"] == []
    mine = {each["name"] for each in clerk.get("/auth/me/scopes").json()["items"]}
    assert {"costs:read", "reports:export", "books:read", "profile:read"} <= mine
    assert "user:read" not in mine


def test_answers_differ_by_scope(backend: Backend) -> None:
    buyer = backend.as_user("buyer", ["buyer", "clerk"])
    made = buyer.post("/api/v1/books", json={"title": "Emma", "cost": 12})
    assert made.status_code == 201, made.text
    where = f"/api/v1/books/{made.json()['id']}"
    assert buyer.get(where).json()["cost"] == 12
    assert backend.as_user("ada").get(where).json()["cost"] is None
    # The same person, with a key that asks for less.
    for scopes, sees in ((["books:read"], None), (["books:read", "costs:read"], 12)):
        key = buyer.post("/auth/keys", json={"name": "x", "scopes": scopes}).json()["key"]
        answer = backend.client.get(where, headers={"Authorization": f"Bearer {key}"})
        assert (answer.status_code, answer.json()["cost"]) == (200, sees)


def test_sign_in_asks_for_fewer_scopes_and_is_told_what_it_got(backend: Backend) -> None:
    backend.as_user("clerk", ["clerk"])
    form = {"email": "clerk@example.com", "password": "a password for tests"}
    tokens = backend.client.post("/auth/sign-in", json=form | {"scope": "books:read admin:write reports:export"}).json()
    assert tokens["scope"] == "books:read reports:export"
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert backend.client.get("/report", headers=headers).status_code == 200
    assert backend.client.get("/both", headers=headers).json()["missing_scopes"] == ["costs:read"]
    assert backend.client.post("/auth/sign-in", json=form | {"scope": "admin:write"}).status_code == 403


@pytest.mark.parametrize(
    ("declare", "sentence"),
    [
        (lambda app: app.role("clerk", scopes=["costs:raed"]), "Did you mean costs:read"),
        (lambda app: app.role("admin", scopes=["costs:read"]), "cannot be changed"),
        (lambda app: app.role("Chief Clerk"), "is not a role"),
        (lambda app: app.scope("costs:read", "Again"), "a scope costs:read already"),
        (lambda app: app.scope("admin:write", "Mine"), "a scope admin:write already"),
        (lambda app: app.scope("Costs", "No colon"), "is not a scope"),
    ],
)
def test_what_cannot_be_is_refused_with_a_sentence(declare: object, sentence: str) -> None:
    app = build()
    assert callable(declare)
    declare(app)
    with pytest.raises(ConfigurationError, match=sentence):
        _ = app.rooms


@pytest.mark.parametrize("name", ["system", "admin", "metrics", "user", "api_keys"])
def test_a_resource_cannot_give_everybody_a_scope_of_ours(name: str) -> None:
    class Strange(Base):
        __tablename__ = name

        text: Mapped[str] = field()

    try:
        with pytest.raises(ConfigurationError, match="every member would hold"):
            _ = Mainstay(resources=[Strange]).rooms
    finally:
        Base.metadata.remove(Strange.__table__)
        Base.registry._dispose_cls(Strange)


def test_a_refusal_names_the_roles_and_scopes_where_the_rule_asks_for_nothing_else(backend: Backend) -> None:
    boss, ada = backend.as_user("boss", ["admin"]), backend.as_user("ada")
    made = boss.post("/api/v1/presses", json={"name": "y"}).json()["id"]
    refused = ada.get("/api/v1/presses")
    assert (refused.status_code, refused.json()["code"]) == (403, "insufficient_scope")
    assert refused.json()["missing_scopes"] == ["costs:read", "reports:export"]
    backend.app.rooms.identity.catalogue.add_role("accountant", ["costs:read"])
    some = backend.as_user("some", ["accountant"]).get("/api/v1/presses")
    assert some.json()["missing_scopes"] == ["reports:export"]
    changed = ada.patch(f"/api/v1/presses/{made}", json={"name": "z"})
    assert (changed.status_code, changed.json()["missing_roles"]) == (403, ["buyer", "clerk"])
    books = ada.post("/api/v1/books", json={"title": "x"})
    assert (books.json()["code"], books.json()["missing_roles"]) == ("insufficient_role", ["buyer"])
    # What is asked of rows too might tell about them.
    ended = ada.delete(f"/api/v1/presses/{made}")
    assert (ended.status_code, "missing_roles" in ended.json()) == (403, False)
    assert backend.anonymous.get("/api/v1/presses").status_code == 401
