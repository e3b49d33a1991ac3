"""The table of features: each row names tests that exist, and the rows are the coverage list's own ids."""

import ast
import re
from pathlib import Path

import pytest

from tests.architecture.source import ROOT

TABLE = "docs/reference/features.md"
PROOF = re.compile(r"`(tests/[\w/.-]+\.py)(?:::(\w+))?`")


def rows(text: str) -> list[tuple[str, str, str]]:
    """(id, what is delivered, proof) of each row of the tables."""
    found = re.findall(r"^\| ([A-M]\d+)(?: \(in part\))? \| (.+?) \| (.+?) \|$", text, re.M)
    return [(number, what, proof) for number, what, proof in found]


def broken_proofs(text: str, root: Path) -> list[str]:
    """The rows that name no test, or one that is not there."""
    broken = []
    for number, _, proof in rows(text):
        named = PROOF.findall(proof)
        if not named:
            broken.append(f"{number} names no test")
        for file, test in named:
            path = root / file
            names = function_names(path) if path.exists() else set()
            if not names or (test and test not in names):
                broken.append(f"{number} names {file}::{test}, which is not there")
    return broken


def function_names(path: Path) -> set[str]:
    tree = ast.parse(path.read_text())
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    # A state machine's TestCase is a test that is no function.
    named = [
        target.id
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    ]
    return {node.name for node in functions if node.name.startswith("test_")} | {
        name for name in named if name.startswith("Test")
    }


def test_each_feature_names_tests_that_exist() -> None:
    assert broken_proofs((ROOT / TABLE).read_text(), ROOT) == []


def test_the_rows_of_the_first_release_are_there() -> None:
    whole = {"A1", "A2", "A3", "A4", "A8", "E2", "E3", "E6", "E8", "E9", "E10", "I3"}
    part = {"A5", "A9", "B1", "B3", "B4", "B6", "E1", "E4", "E5", "H1", "H2", "I4", "L1", "L4", "L6", "L9"}
    assert whole | part <= {number for number, _, _ in rows((ROOT / TABLE).read_text())}


@pytest.mark.parametrize(
    "proof", ["soon", "`tests/docs/test_nothing.py::test_x`", "`tests/docs/test_features.py::test_that_nobody_wrote`"]
)
def test_a_row_without_a_real_test_is_found(proof: str) -> None:
    assert len(broken_proofs(f"| A1 | Something | {proof} |\n", ROOT)) == 1
