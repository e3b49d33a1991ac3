"""A folder to type commands in, with and without an app."""

from pathlib import Path

import pytest

from tests.databases import Urls
from tests.rooms.cli.shell import APP, Shell


@pytest.fixture
def with_rooms() -> bool:
    """A database is empty before the commands."""
    return False


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Shell:
    """An empty folder, on SQLite."""
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("MAINSTAY_LOG_FORMAT", "off")
    return Shell(folder, capsys, monkeypatch)


@pytest.fixture
def shop(shell: Shell) -> Shell:
    """A folder with `app.py`: authors and books."""
    shell.write("app.py", APP)
    return shell


@pytest.fixture
def shop_on_both(shop: Shell, urls: Urls, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """The same on each database in turn."""
    monkeypatch.setenv("MAINSTAY_DATABASE_URL", urls.database_url)
    if urls.system_url != urls.database_url:
        monkeypatch.setenv("MAINSTAY_DATABASE_SYSTEM_URL", urls.system_url)
    monkeypatch.setenv("MAINSTAY_MIGRATE", "true")
    return shop
