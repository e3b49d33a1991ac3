"""What a door offers is documented: in its docstring, and for the package's own door in the reference."""

import importlib
import inspect
import re
import subprocess
import sys
from collections.abc import Iterator
from types import ModuleType

import pytest

import mainstay
from tests.architecture.rules import exported
from tests.architecture.source import ROOT, sources

DOORS = [source.module for source in sources("src") if source.path.endswith("__init__.py") and exported(source.tree)]


def undocumented(door: ModuleType) -> Iterator[str]:
    """The names of `__all__` that are missing, or are classes or functions without a docstring of their own."""
    for name in door.__all__:
        thing = getattr(door, name, None)
        if thing is None:
            yield f"{name} is not there"
        elif (inspect.isclass(thing) or inspect.isroutine(thing)) and not own_docstring(thing):
            yield f"{name} has no docstring"


def own_docstring(thing: object) -> str:
    """Its docstring, unless it is inherited or made by @dataclass."""
    text = (vars(thing).get("__doc__") if inspect.isclass(thing) else thing.__doc__) or ""
    return "" if text.startswith(f"{getattr(thing, '__name__', '')}(") else text


@pytest.mark.parametrize("name", DOORS)
def test_every_name_of_a_door_is_documented(name: str) -> None:
    assert list(undocumented(importlib.import_module(name))) == []


def test_a_name_without_a_docstring_is_found() -> None:
    door = ModuleType("door")
    vars(door).update(__all__=["lost", "bare", "fine"], bare=type("Bare", (), {}), fine=own_docstring)
    assert list(undocumented(door)) == ["lost is not there", "bare has no docstring"]


def test_every_name_that_users_import_stands_in_the_reference() -> None:
    text = (ROOT / "docs/reference/names.md").read_text()
    listed = re.findall(r"^\| `(\w+)` \|", text, re.M)
    assert sorted(listed) == sorted(mainstay.__all__)


def test_importing_mainstay_imports_no_room() -> None:
    code = (
        "import sys, mainstay; print([m for m in sys.modules if m.startswith(('mainstay.', 'fastapi', 'sqlalchemy'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
