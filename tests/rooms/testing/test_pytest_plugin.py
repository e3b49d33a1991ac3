"""The fixtures that come with the package, in a project of somebody's own."""

import subprocess
import sys
from pathlib import Path

from tests.databases import Administrator

APP = """
from mainstay import Access, Mainstay, Resource, anyone, field
from sqlalchemy.orm import Mapped


class Note(Resource):
    __tablename__ = "notes"
    __access__ = Access(read=anyone, write=anyone)
    title: Mapped[str] = field(max_length=40)


app = Mainstay(resources=[Note])
"""
TEST = """
def test_one(backend):
    assert backend.client.post("/api/v1/notes", json={"title": "a"}).status_code == 201
    print(backend.settings.database().split(":")[0])


def test_each_test_begins_with_nothing(backend):
    assert backend.client.get("/api/v1/notes").json()["items"] == []
"""


def run(folder: Path, *options: str) -> str:
    (folder / "app.py").write_text(APP)
    (folder / "test_app.py").write_text(TEST)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-s", "-W", "error", "-p", "no:cacheprovider", *options],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "2 passed" in done.stdout, done.stdout + done.stderr
    return done.stdout


def test_a_project_needs_no_fixture_of_its_own(tmp_path: Path) -> None:
    assert "sqlite" in run(tmp_path)


def test_the_same_tests_run_on_postgresql(tmp_path: Path, administrator: Administrator) -> None:
    urls = administrator.create()
    try:
        assert "postgresql" in run(tmp_path, "--mainstay-database", urls.system_url)
    finally:
        administrator.drop(urls)
