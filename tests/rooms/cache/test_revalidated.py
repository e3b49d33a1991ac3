"""HTTP caching of users' routes: tags, 304 after authorisation, and nothing personal in shared caches."""

from collections.abc import Iterator
from typing import Annotated

import pytest
from fastapi import Cookie, Depends, FastAPI, Header, HTTPException, Response
from fastapi.testclient import TestClient
from pydantic import BaseModel
from starlette.responses import HTMLResponse, StreamingResponse

from mainstay.base.errors import ConfigurationError
from mainstay.cache import Cache, CacheOptions, Owner, revalidated

PEOPLE = {"ada": 1, "bob": 2}
asking: list[str] = []


class Shown(BaseModel):
    name: str


class Person(Shown):
    secret: str = "not for you"


def user(authorization: Annotated[str, Header()] = "") -> str:
    if authorization not in PEOPLE:
        raise HTTPException(401, "Who are you?")
    asking[:] = [authorization]
    return authorization


def made() -> FastAPI:
    app = FastAPI()
    cache = Cache(CacheOptions(whose=lambda: Owner("all", asking[0]) if asking else None))
    app.state.computed = 0

    @app.get("/me", response_class=revalidated(), response_model=Shown)
    @cache.cached(ttl=60)
    async def me(name: Annotated[str, Depends(user)]) -> Person:
        app.state.computed += 1
        return Person(name=name)

    @app.get("/kept", response_class=revalidated(max_age=60))
    async def kept(response: Response, name: Annotated[str, Depends(user)]) -> str:
        response.headers["Vary"] = "Accept-Language, authorization"
        return name

    @app.get("/cookie", response_class=revalidated(max_age=60))
    async def cookie(response: Response, seen: Annotated[str | None, Cookie()] = None) -> str:
        if seen is None:
            response.set_cookie("seen", "yes")
        return "hello"

    @app.get("/page", response_class=revalidated(base=HTMLResponse))
    async def page() -> str:
        return "<p>hello</p>"

    @app.get("/lost", response_class=revalidated())
    async def lost() -> str:
        raise HTTPException(404)

    @app.post("/made", response_class=revalidated(), status_code=201)
    async def create() -> str:
        return "made"

    return app


@pytest.fixture
def client() -> Iterator[TestClient]:
    asking.clear()
    with TestClient(made()) as client:
        yield client


def test_who_holds_it_already_is_told_so(client: TestClient) -> None:
    first = client.get("/me", headers={"Authorization": "ada"})
    assert (first.status_code, first.json()) == (200, {"name": "ada"})
    assert first.headers["cache-control"] == "private, no-cache"
    assert first.headers["vary"] == "Authorization, Cookie, X-Tenant-ID"
    etag = first.headers["etag"]
    assert etag.startswith('"')
    for asked in (etag, f'"other", W/{etag}', "*"):
        again = client.get("/me", headers={"Authorization": "ada", "If-None-Match": asked})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
        assert again.headers["cache-control"] == "private, no-cache"
        assert again.headers["vary"] == first.headers["vary"]
        assert "content-length" not in again.headers
    for asked in ('"other"', "nonsense", ""):
        assert client.get("/me", headers={"Authorization": "ada", "If-None-Match": asked}).status_code == 200
    app = client.app
    assert isinstance(app, FastAPI)
    assert app.state.computed == 1


def test_nobody_is_told_304_who_would_not_be_told_200(client: TestClient) -> None:
    etag = client.get("/me", headers={"Authorization": "ada"}).headers["etag"]
    for asked in (etag, "*"):
        assert client.get("/me", headers={"If-None-Match": asked}).status_code == 401
        assert client.get("/me", headers={"Authorization": "eve", "If-None-Match": asked}).status_code == 401
    other = client.get("/me", headers={"Authorization": "bob", "If-None-Match": etag})
    assert (other.status_code, other.json()) == (200, {"name": "bob"})


def test_what_a_response_model_hides_stays_hidden(client: TestClient) -> None:
    for _ in range(2):
        assert "secret" not in client.get("/me", headers={"Authorization": "ada"}).text


def test_a_browser_may_keep_it_and_shared_caches_never(client: TestClient) -> None:
    answer = client.get("/kept", headers={"Authorization": "ada"})
    assert answer.headers["cache-control"] == "private, max-age=60, must-revalidate"
    assert answer.headers["vary"] == "Accept-Language, authorization, Cookie, X-Tenant-ID"


def test_an_answer_that_sets_a_cookie_is_stored_by_nobody(client: TestClient) -> None:
    first = client.get("/cookie")
    assert (first.headers["cache-control"], "etag" in first.headers) == ("no-store", False)
    second = client.get("/cookie")
    assert "set-cookie" not in second.headers
    again = client.get("/cookie", headers={"If-None-Match": second.headers["etag"]})
    assert (again.status_code, "set-cookie" in again.headers) == (304, False)
    client.cookies.clear()
    # Without the cookie the answer sets it, whatever the client holds.
    assert client.get("/cookie", headers={"If-None-Match": second.headers["etag"]}).status_code == 200


def test_other_bodies_and_other_statuses(client: TestClient) -> None:
    page = client.get("/page")
    assert page.headers["content-type"].startswith("text/html")
    assert client.get("/page", headers={"If-None-Match": page.headers["etag"]}).status_code == 304
    assert "etag" not in client.get("/lost").headers
    created = client.post("/made", headers={"If-None-Match": "*"})
    assert (created.status_code, "etag" in created.headers) == (201, False)


def test_what_cannot_work_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="no body"):
        revalidated(base=StreamingResponse)
    with pytest.raises(ConfigurationError, match="lies in the past"):
        revalidated(max_age=-1)
