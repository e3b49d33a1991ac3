"""What the house rules look at: a file of ours, parsed once, and what a rule finds in it."""

import ast
import io
import re
import subprocess
import tokenize
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True, slots=True)
class Finding:
    """One breach: where, and what to do."""

    path: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message}"


class Source:
    """One Python file: its path from the checkout's root, its text and its syntax tree."""

    def __init__(self, path: str, text: str) -> None:
        self.path, self.text = path, text
        self.lines = text.splitlines()

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @cached_property
    def comments(self) -> list[tuple[int, str]]:
        """Each comment with its line: what stands in a string is no comment."""
        tokens = tokenize.generate_tokens(io.StringIO(self.text).readline)
        return [(token.start[0], token.string) for token in tokens if token.type == tokenize.COMMENT]

    @property
    def module(self) -> str:
        """The dotted name, for files under src/: `mainstay.web.body`."""
        return ".".join(Path(self.path).with_suffix("").parts[1:]).removesuffix(".__init__")

    @property
    def room(self) -> str:
        """The floor's folder that the file lies in: `web`; empty for the package's own door."""
        parts = self.module.split(".")
        return parts[1] if len(parts) > 1 else ""

    def excused(self, rule: str, line: int = 0) -> bool:
        """Whether the line (or, for line 0, the file) carries the named escape `# house: <rule>: <reason>`."""
        where = self.lines if line == 0 else self.lines[line - 1 : line]
        return any(re.search(rf"# house: {rule}: \w+", text) for text in where)

    def found(self, line: int, message: str) -> Finding:
        return Finding(self.path, line, message)


Rule = Callable[[Source], Iterator[Finding]]


def tracked(*patterns: str) -> list[str]:
    """The files that git knows, or would (new, and not ignored), that match the patterns."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    return sorted(name for name in set(names) if (ROOT / name).is_file())


@cache
def sources(*patterns: str) -> list[Source]:
    """The Python files among them."""
    return [Source(name, (ROOT / name).read_text()) for name in tracked(*patterns) if name.endswith(".py")]
