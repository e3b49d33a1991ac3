"""Every guard of the token verifier is needed: without it, something of the corpus gets through."""

import asyncio
import json
import sys
from pathlib import Path

from tests.rooms.identity.mutants import GUARDS


async def test_without_any_single_guard_something_gets_through(tmp_path: Path, root: Path) -> None:
    program = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.rooms.identity.mutants", f"sqlite:///{tmp_path / 'mutants.db'}",
        cwd=root, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await program.communicate()
    assert program.returncode == 0, err.decode()
    through = json.loads(out)
    # With all of them nothing gets through, before the others were tried and after.
    assert (through[""], through["again"]) == ([], [])
    needless = [name for name in GUARDS if not through[name]]
    assert needless == []
