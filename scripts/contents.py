"""Write docs/README.md: every document with its title and first sentence, by what it is for.

make docs
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HEAD = """# Documentation

Four kinds of documents, each for another moment, and the decisions behind them. Every code block and command in them is
run by the tests. This page is written by `make docs`.
"""
SECTIONS = {
    "tutorial": "Tutorial: learn by doing",
    "how-to": "How-to: reach a goal",
    "reference": "Reference: look it up",
    "explanation": "Explanation: understand why",
    "decisions": "Decisions: what was decided, and what else was on the table",
}


def title_and_sentence(text: str) -> tuple[str, str]:
    """A document's heading, and the first sentence of its first paragraph without links and line breaks."""
    text = re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S)
    heading = re.search(r"^# (.*)$", text, re.M)
    paragraph = re.search(r"^(?![#<|\-\s])(.+?)(?:\n\n|\Z)", text.partition("\n")[2], re.M | re.S)
    words = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", " ".join(paragraph[1].split())) if paragraph else ""
    return heading[1] if heading else "", re.split(r"(?<=[.:!?]) ", words)[0].rstrip(".:")


def contents(docs: Path) -> str:
    """The page's text."""
    return HEAD + "".join(part for folder, name in SECTIONS.items() for part in section(docs, folder, name))


def section(docs: Path, folder: str, name: str) -> Iterator[str]:
    paths = sorted((docs / folder).glob("*.md"))
    if paths:
        yield f"\n## {name}\n\n"
    for path in paths:
        title, sentence = title_and_sentence(path.read_text())
        # A record's first sentence is its context, which says little without the rest.
        after = f": {sentence}" if sentence and folder != "decisions" else ""
        yield f"- [{title}]({folder}/{path.name}){after}\n"


def main() -> int:
    """Write the page."""
    (ROOT / "docs" / "README.md").write_text(contents(ROOT / "docs"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
