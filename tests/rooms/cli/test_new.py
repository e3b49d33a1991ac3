"""`mainstay new`."""

import subprocess
import sys

from tests.rooms.cli.shell import Shell


def test_a_project_is_made_and_its_own_tests_pass(shell: Shell) -> None:
    made = shell("new", "my-shop")
    assert made.code == 0
    assert "mainstay dev" in made.out
    project = shell.folder / "my-shop"
    assert 'title="My Shop"' in (project / "app.py").read_text()
    assert "sqlite:///my-shop.db" in (project / ".env").read_text()
    assert len((project / "app.py").read_text().splitlines()) <= 24
    tested = subprocess.run(
        [sys.executable, "-m", "pytest", "-q"], cwd=project, capture_output=True, text=True, check=False
    )
    assert "2 passed" in tested.stdout, tested.stdout
    assert not (project / "my-shop.db").exists()


def test_a_folder_that_exists_is_left_alone(shell: Shell) -> None:
    shell.write("shop/mine.txt", "precious")
    refused = shell("new", "shop")
    assert refused.code == 1
    assert "exists already" in refused.err
    assert [path.name for path in (shell.folder / "shop").iterdir()] == ["mine.txt"]


def test_a_name_that_is_no_name_is_refused(shell: Shell) -> None:
    refused = shell("new", "9 lives", "--json")
    assert (refused.code, refused.error["code"]) == (1, "refused")
    assert list(shell.folder.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_a_sentence(shell: Shell) -> None:
    shell.write("file", "")
    refused = shell("new", "file/shop")
    assert refused.code == 1
    assert "cannot be made" in refused.err
