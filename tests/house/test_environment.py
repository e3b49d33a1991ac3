"""Making .venv: nothing when nothing changed, and a sentence where the machine lacks something."""

import os
from pathlib import Path

import pytest

from scripts import environment


@pytest.fixture
def checkout(tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout whose .venv is there and up to date."""
    for name in ("pyproject.toml", *environment.LOCKS.values()):
        (tmp_path / name).write_text((root / name).read_text())
    monkeypatch.setattr(environment, "ROOT", tmp_path)
    monkeypatch.setattr(environment, "HOME", tmp_path / ".venv")
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "python").touch()
    environment.stamp("dev").write_text(environment.fingerprint("dev"))
    return tmp_path


def test_an_environment_that_is_up_to_date_is_left_alone(checkout: Path) -> None:
    assert environment.is_ready("dev")
    assert environment.is_ready("run")  # the wider one holds the narrower
    assert environment.main(["dev"]) == 0


def test_a_changed_lock_or_dependency_calls_for_an_installation(checkout: Path) -> None:
    lock = checkout / "requirements-dev.lock"
    lock.write_text(lock.read_text() + "new==1\n")
    assert not environment.is_ready("dev")


def test_a_change_of_a_tool_s_settings_calls_for_none(checkout: Path) -> None:
    project = checkout / "pyproject.toml"
    project.write_text(project.read_text() + "\n[tool.other]\nx = 1\n")
    assert environment.is_ready("dev")


def test_an_environment_whose_python_went_away_is_made_again(checkout: Path) -> None:
    (checkout / ".venv" / "bin" / "python").unlink()
    assert not environment.is_ready("dev")


def test_without_root_a_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(environment.CannotInstall, match=r"As root: apt-get install python3\.\d+-venv"):
        environment.install_venv_module()
