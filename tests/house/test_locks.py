"""The lock files: exact, hashed, the same in both, and silent about where they were made."""

import re
from pathlib import Path

import pytest

LOCKS = ["requirements.lock", "requirements-dev.lock"]


def pins(path: Path) -> dict[str, str]:
    return dict(re.findall(r"^([A-Za-z0-9_.-]+)(?:\[[^]]*\])?==([^ ;\\]+)", path.read_text(), re.M))


@pytest.mark.parametrize("lock", LOCKS)
def test_every_line_is_a_pin_or_a_hash_and_names_no_place(root: Path, lock: str) -> None:
    pin = re.compile(r"[a-z0-9_.-]+==[0-9a-z.+!]+( ; [^/]+)? \\")
    digest = re.compile(r"    --hash=sha256:[0-9a-f]{64}( \\)?")
    strange = [
        line for line in (root / lock).read_text().splitlines() if not (pin.fullmatch(line) or digest.fullmatch(line))
    ]
    assert strange == []


def test_the_wide_lock_holds_the_narrow_one_with_the_same_versions(root: Path) -> None:
    narrow, wide = (pins(root / lock) for lock in LOCKS)
    assert narrow.items() <= wide.items()


@pytest.mark.parametrize("package", ["orjson", "pysqlite3", "asyncpg", "granian"])
def test_compiled_packages_carry_the_hashes_of_other_platforms_too(root: Path, package: str) -> None:
    blocks = re.split(r"^(?=[a-z])", (root / LOCKS[0]).read_text(), flags=re.M)
    block = next(block for block in blocks if block.startswith(f"{package}=="))
    assert block.count("--hash") > 10


def test_everything_that_pyproject_asks_for_is_locked(root: Path) -> None:
    asked = re.findall(r'^    "([a-zA-Z0-9_-]+)', (root / "pyproject.toml").read_text(), re.M)
    wide = pins(root / LOCKS[1])
    assert [name for name in asked if name.lower() not in wide] == []
