"""The examples do what their pages say."""

import logging
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2 as httpx
import pytest

from mainstay.testing import Backend
from tests.conftest import ROOT
from tests.serving import running

EXAMPLES = ROOT / "examples"


@pytest.fixture
def library() -> Iterator[Backend]:
    """The library on a fresh database."""
    with opened("02_library") as backend:
        yield backend


def opened(name: str) -> Backend:
    return Backend(EXAMPLES / name / "app.py")


def test_the_atlas_is_imported_and_served_on_its_first_run_and_at_once_on_its_second(tmp_path: Path) -> None:
    atlas = tmp_path / "atlas"
    shutil.copytree(EXAMPLES / "01_atlas", atlas, ignore=shutil.ignore_patterns("data", "*.db*", ".mainstay"))
    with atlas_in(atlas) as (log, client):
        assert re.search(r"cities: 3\d,\d{3} rows", log)
        page = client.get("/", headers={"accept": "text/html"})
        assert "Atlas" in page.text
        largest: dict[str, str | int] = {"country.iso": "JP", "sort": "-population", "limit": 2, "fields": "name"}
        largest["count"] = "exact"
        japan = client.get("/api/v1/cities", params=largest).json()
        assert [city["name"] for city in japan["items"]] == ["Tokyo", "Yokohama"]
        assert japan["count"] > 500
        europe = client.get("/api/v1/countries", params={"continent.code": "EU", "expand": "continent", "limit": 100})
        assert len(europe.json()["items"]) > 40
        italy = client.get("/api/v1/countries", params={"iso": "IT"}).json()["items"][0]
        assert (italy["capital"], italy["density"] > 150, italy["city_count"] > 300) == ("Rome", True, True)
        assert any("San" in city["name"] for city in client.get("/api/v1/cities", params={"q": "san"}).json()["items"])
        assert client.post("/api/v1/cities", json={}).status_code == 401
    with atlas_in(atlas) as (log, client):
        assert "rows" not in log
        assert client.get("/api/v1/continents", params={"count": "exact"}).json()["count"] == 7


@contextmanager
def atlas_in(folder: Path) -> Iterator[tuple[str, httpx.Client]]:
    """`run.py`, once it says where it serves: what it said before, and a client."""
    with (
        running([sys.executable, "run.py", "--port", "0", "--json"], folder, {}) as server,
        httpx.Client(base_url=server.url(), timeout=30) as client,
    ):
        yield server.said().partition("\n{")[0], client


def test_the_library_keeps_drafts_to_their_owner_and_checks_what_is_published(library: Backend) -> None:
    editor, ada, ben = library.as_user("eve", roles=["editor"]), library.as_user("ada"), library.as_user("ben")
    author = editor.post("/api/v1/authors", json={"name": "  Italo Calvino ", "country": "IT"}).json()
    assert author["name"] == "Italo Calvino"
    draft = {"title": "Invisible   Cities", "price": "9.90", "author_id": author["id"], "isbn": "978-0-15-645380-6"}
    assert ada.post("/api/v1/books", json={**draft, "isbn": "978-0-15-645380-7"}).status_code == 422
    made = ada.post("/api/v1/books", json=draft)
    assert made.status_code == 201, made.text
    book = made.json()
    assert (book["title"], book["label"], book["status"]) == ("Invisible Cities", "Invisible Cities (9.90)", "draft")
    assert ben.get(made.headers["location"]).status_code == 404

    refused = ada.post(f"/books/{book['id']}/publish")
    assert refused.status_code == 422
    assert "summary" in refused.text
    assert ada.patch(made.headers["location"], json={"summary": "Marco Polo talks."}).status_code == 200
    assert ben.post(f"/books/{book['id']}/publish").status_code == 404
    assert ada.post(f"/books/{book['id']}/publish").status_code == 204
    assert ben.get(made.headers["location"]).json()["status"] == "published"


def test_the_librarys_own_routes_see_what_their_caller_may_see(
    library: Backend, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "library")
    ada = library.as_user("ada")
    author = library.as_user("eve", roles=["editor"]).post("/api/v1/authors", json={"name": "A"}).json()["id"]
    made = ada.post("/api/v1/books", json={"title": "Mine", "price": "1", "author_id": author})
    assert made.status_code == 201, made.text
    assert ada.get("/shelf").json() == {"books": 1, "cheapest": "Mine (1.00)"}
    visitor = library.anonymous.get("/shelf")
    assert visitor.json() == {"books": 0, "cheapest": None}
    assert visitor.headers["x-library"] == "main street"
    assert "new book: Mine" in caplog.messages


def test_the_librarys_reviews_are_cleaned_and_counted(library: Backend) -> None:
    editor, ada = library.as_user("eve", roles=["editor"]), library.as_user("ada")
    author = editor.post("/api/v1/authors", json={"name": "A"}).json()["id"]
    tags = [editor.post("/api/v1/tags", json={"name": name}).json()["id"] for name in ("Fiction", "CITIES")]
    book = editor.post(
        "/api/v1/books",
        json={
            "title": "T",
            "price": "1",
            "author_id": author,
            "summary": "s",
            "status": "published",
            "tag_ids": tags,
        },
    )
    assert book.status_code == 201, book.text
    review = {"stars": 5, "text": "good <script>alert(1)</script>", "book_id": book.json()["id"]}
    assert "<" not in ada.post("/api/v1/reviews", json=review).json()["text"]
    assert ada.post("/api/v1/reviews", json={**review, "stars": 6}).status_code == 422
    found = ada.get("/api/v1/books", params={"tags.name": "cities", "expand": "tags,author"}).json()["items"]
    assert [(each["review_count"], each["author"]["name"]) for each in found] == [(1, "A")]
    assert sorted(tag["name"] for tag in found[0]["tags"]["items"]) == ["cities", "fiction"]


def test_every_example_is_named_here() -> None:
    folders = sorted(path.name for path in EXAMPLES.iterdir() if (path / "app.py").exists())
    text = Path(__file__).read_text()
    assert [name for name in folders if name not in text] == []
