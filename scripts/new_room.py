"""Write the anatomy of a new room: door, options, noun, ports, errors, events, a test, and its place in the floors.

make new-room NAME=webhooks
"""

import keyword
import re
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

FILES = {
    "src/mainstay/{name}/__init__.py": '''\
"""{title}: say in one sentence what the room gives its users.

Alone:

    from mainstay.{name} import {title}, {title}Options

    {name} = {title}({title}Options())
    assert {name}.is_open is False
"""

from mainstay.{name}.options import {title}Options
from mainstay.{name}.{name} import {title}

__all__ = ["{title}", "{title}Options"]
''',
    "src/mainstay/{name}/options.py": '''\
"""What an app may choose about {name}; never read from the environment here."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class {title}Options:
    """Choices with their defaults; give each one its unit."""

    most: int = 100
''',
    "src/mainstay/{name}/{name}.py": '''\
"""The data and rules of {name}, without I/O."""

from mainstay.{name}.options import {title}Options


class {title}:
    """The room as its users hold it."""

    def __init__(self, options: {title}Options) -> None:
        self.options = options
        self.is_open = False
''',
    "src/mainstay/{name}/ports.py": '''\
"""What {name} needs from others, in its own words; engines and wiring fit themselves to it."""

from typing import Protocol


class Store(Protocol):
    """Where {name} are kept.

    Say the edge cases here: what an engine may forget, and what it may never do.
    """

    async def get(self, key: str) -> bytes | None:
        """The value under the key, or None."""
        ...
''',
    "src/mainstay/{name}/errors.py": '''\
"""What can go wrong in {name}, each with the words that the caller is told."""

from mainstay.base.errors import Conflict


class {title}Closed(Conflict):
    """This is closed; open it first."""

    code = "{name}_closed"
''',
    "src/mainstay/{name}/events.py": '''\
"""What happened in {name}: facts, in the past tense."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class {title}Opened:
    """Somebody opened it."""

    id: UUID
''',
    "tests/rooms/{name}/test_{name}.py": '''\
"""{title} through its door."""

from mainstay.{name} import {title}, {title}Options


def test_it_is_closed_to_begin_with() -> None:
    assert {title}({title}Options()).is_open is False
''',
    "changelog.d/{name}.md": "- Added: the room `mainstay.{name}`.\n",
}
NEXT = """The room {name} stands. Next:
  - write its sentence and its ten lines of use in src/mainstay/{name}/__init__.py
  - tables in tables.py (each names its plane) and migrations/; engines, one file each, in engines/<where>.py
  - meet other rooms in src/mainstay/assembly/wiring/, never by importing them
  - make check"""


class Refused(Exception):
    """No room can be made under that name; the message says why."""


def write(root: Path, name: str) -> list[Path]:
    """Write the room's files; answers their paths. Raises Refused, and then nothing was written."""
    if not re.fullmatch(r"[a-z][a-z0-9_]{1,29}", name) or keyword.iskeyword(name):
        raise Refused("Give the room a name in lower case: make new-room NAME=webhooks")
    if (root / "src/mainstay" / name).exists():
        raise Refused(f"There is a room {name} already: src/mainstay/{name}")
    floors = root / ".importlinter"
    title = "".join(word.capitalize() for word in name.split("_"))
    written = []
    for pattern, text in FILES.items():
        path = root / pattern.format(name=name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.format(name=name, title=title))
        written.append(path)
    if f"({name})" not in floors.read_text():
        floors.write_text(re.sub(r"^( *\(identity\) .*)$", rf"\1 | ({name})", floors.read_text(), flags=re.MULTILINE))
    return written


def main(arguments: Sequence[str]) -> int:
    """Write the room that is named, and say what comes next."""
    name = arguments[0] if arguments else ""
    try:
        written = write(ROOT, name)
    except Refused as refusal:
        print(refusal, file=sys.stderr)
        return 1
    for path in written:
        print(path.relative_to(ROOT))
    print(NEXT.format(name=name))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
