"""The house rules hold in every file of the tree."""

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.architecture import rules
from tests.architecture.source import ROOT, Rule, sources, tracked


@pytest.mark.parametrize("rule", rules.ON_SOURCE, ids=lambda rule: rule.__name__)
def test_a_rule_holds_in_the_package(rule: Rule) -> None:
    assert [str(finding) for source in sources("src") for finding in rule(source)] == []


@pytest.mark.parametrize("rule", rules.ON_TESTS, ids=lambda rule: rule.__name__)
def test_a_rule_holds_in_tests_scripts_and_bench(rule: Rule) -> None:
    found = [str(finding) for source in sources("tests", "scripts", "bench", "examples") for finding in rule(source)]
    assert found == []


def test_no_tracked_file_names_an_index_host_or_a_machine_path() -> None:
    found = []
    for path in tracked():
        try:
            text = (ROOT / path).read_text()
        except UnicodeDecodeError:
            continue
        found += [str(finding) for finding in rules.names_no_place(path, text)]
    assert found == []


def test_a_folder_holds_at_most_fifteen_modules() -> None:
    folders = Counter(str(Path(path).parent) for path in tracked("src") if re.search(r"(?<!__init__)\.py$", path))
    # The command line is one file a command by design.
    crowded = {folder: n for folder, n in folders.items() if n > rules.MOST_FILES and not folder.endswith("/cli")}
    assert crowded == {}


def test_imports_go_downwards_only() -> None:
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache", "--config", ".importlinter"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_every_table_names_its_plane() -> None:
    done = subprocess.run(
        [sys.executable, Path(__file__).with_name("planes.py")], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr


def test_the_rules_are_obeyed_by_the_rules() -> None:
    assert [str(f) for source in sources("tests/architecture") for rule in rules.ON_TESTS for f in rule(source)] == []
