"""Every guard is needed: without it, something of the corpus of tokens, or a mistake that others made, gets through."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from tests.rooms.identity.mistakes import MISTAKES
from tests.rooms.identity.mutants import GUARDS


async def said(name: str, folder: Path, root: Path) -> Any:
    """What a program beside this file says, run over a database of its own."""
    program = await asyncio.create_subprocess_exec(
        sys.executable, "-m", f"tests.rooms.identity.{name}", f"sqlite:///{folder / 'mutants.db'}",
        cwd=root, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await program.communicate()
    assert program.returncode == 0, err.decode()
    return json.loads(out)


async def test_mistakes_of_others_get_through_without_their_guards_and_not_with_them(
    tmp_path: Path, root: Path
) -> None:
    found = await said("mistakes", tmp_path, root)
    assert [name for name in MISTAKES if found[name][0]] == [], "open as it stands"
    assert [name for name in MISTAKES if not found[name][1]] == [], "guards that stop nothing"


async def test_without_any_single_guard_something_gets_through(tmp_path: Path, root: Path) -> None:
    through = await said("mutants", tmp_path, root)
    # With all of them nothing gets through, before the others were tried and after.
    assert (through[""], through["again"]) == ([], [])
    needless = [name for name in GUARDS if not through[name]]
    assert needless == []
