"""The recipes that people run by hand: new-room, tour, release, and the list of them all."""

import datetime
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from scripts import changelog, new_room, tour
from tests.architecture import rules
from tests.architecture.source import Source


def test_make_alone_lists_ten_recipes_at_most(root: Path) -> None:
    done = subprocess.run(["make", "--no-print-directory"], cwd=root, capture_output=True, text=True, check=True)
    recipes = re.findall(r"^  make ([a-z-]+)  +\S", done.stdout, re.M)
    assert {"run", "test", "check", "fix", "bench", "docs", "tour", "new-room", "release"} <= set(recipes)
    assert len(recipes) <= 10


def test_a_new_room_obeys_the_house(root: Path, tmp_path: Path) -> None:
    copy = tmp_path / "house"
    copy.mkdir()
    for name in (".importlinter", "pyproject.toml"):
        shutil.copy(root / name, copy)
    shutil.copytree(root / "src", copy / "src", ignore=shutil.ignore_patterns("__pycache__", "static"))

    written = new_room.write(copy, "weather_reports")

    for path in written:
        if path.suffix == ".py" and "src" in path.parts:
            source = Source(str(path.relative_to(copy)), path.read_text())
            assert [str(finding) for rule in rules.ON_SOURCE for finding in rule(source)] == []
    scripts = Path(sys.executable).parent
    environment = {"PYTHONPATH": str(copy / "src"), "PATH": "/usr/bin:/bin"}
    room = ["src/mainstay/weather_reports", "tests/rooms/weather_reports"]
    for command in (
        [scripts / "lint-imports", "--no-cache", "--config", ".importlinter"],
        [scripts / "ruff", "check", "--no-cache", *room],
        [scripts / "ruff", "format", "--no-cache", "--check", *room],
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *room[1:]],
    ):
        done = subprocess.run(
            [str(part) for part in command], cwd=copy, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_a_room_of_that_name_is_not_overwritten(root: Path) -> None:
    with pytest.raises(new_room.Refused, match="already"):
        new_room.write(root, "web")
    with pytest.raises(new_room.Refused, match="lower case"):
        new_room.write(root, "../web")


def test_the_tour_tells_each_module_s_first_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    tour.main()
    assert re.search(r"^    errors +Every error Mainstay raises, drawn as one tree\.$", capsys.readouterr().out, re.M)


def test_a_release_collects_the_fragments_and_sets_the_version(tmp_path: Path) -> None:
    (tmp_path / "changelog.d").mkdir()
    (tmp_path / "changelog.d" / "one.md").write_text("- Fixed: a leak\n  in the pool.\n- Added: cursors.\n")
    (tmp_path / "CHANGELOG.md").write_text("# Changelog\n\n<!-- releases -->\n\n## 0.1.0 (2026-01-01)\n")
    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "0.1.0"\n')

    changelog.release(tmp_path, "0.2.0", datetime.date(2026, 2, 3))

    text = (tmp_path / "CHANGELOG.md").read_text()
    assert (
        "## 0.2.0 (2026-02-03)\n\n### Added\n\n- cursors.\n\n### Fixed\n\n- a leak\n  in the pool.\n\n## 0.1.0" in text
    )
    assert 'version = "0.2.0"' in (tmp_path / "pyproject.toml").read_text()
    assert list((tmp_path / "changelog.d").iterdir()) == []


def test_a_fragment_that_is_no_entry_stops_the_release(tmp_path: Path) -> None:
    (tmp_path / "changelog.d").mkdir()
    (tmp_path / "changelog.d" / "one.md").write_text("- cursors\n")
    (tmp_path / "CHANGELOG.md").write_text("<!-- releases -->\n")
    with pytest.raises(changelog.Refused, match=r"one\.md:1"):
        changelog.release(tmp_path, "0.2.0", datetime.date(2026, 2, 3))
    assert (tmp_path / "CHANGELOG.md").read_text() == "<!-- releases -->\n"


def test_every_fragment_of_the_tree_can_be_released(root: Path) -> None:
    for path in sorted((root / "changelog.d").glob("*.md")):
        assert changelog.entries(path.read_text(), path.name)
