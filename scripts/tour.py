"""Print the tree of the package with each module's first sentence.

make tour
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SKIPPED = {"__pycache__", "versions"}


def first_sentence(path: Path) -> str:
    """The first line of the module's docstring, or an empty text."""
    return (ast.get_docstring(ast.parse(path.read_text())) or "").split("\n")[0]


def lines(folder: Path, indent: int = 0) -> Iterator[tuple[str, str]]:
    """The folder's modules, then its folders, each with its sentence. A folder's sentence is its door's."""
    for path in sorted(folder.iterdir(), key=lambda path: (path.is_dir(), path.name)):
        if path.suffix == ".py" and path.name != "__init__.py":
            yield "  " * indent + path.stem, first_sentence(path)
        elif path.is_dir() and path.name not in SKIPPED and any(path.rglob("*.py")):
            door = path / "__init__.py"
            yield "  " * indent + path.name + "/", first_sentence(door) if door.exists() else ""
            yield from lines(path, indent + 1)


def main() -> int:
    """Print the tour."""
    package = ROOT / "src" / "mainstay"
    rows = [("mainstay/", first_sentence(package / "__init__.py")), *lines(package, 1)]
    width = max(len(name) for name, _ in rows)
    for name, sentence in rows:
        print(f"{name:<{width}}  {sentence}".rstrip())
    return 0


if __name__ == "__main__":
    sys.exit(main())
