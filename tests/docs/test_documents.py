"""Every code block and command of the documents runs, and every link leads somewhere."""

import re
from pathlib import Path
from urllib.parse import unquote

import pytest

from scripts import contents
from tests.architecture.source import ROOT, tracked
from tests.docs.document import blocks, reader

DOCUMENTS = [name for name in tracked("*.md") if not name.startswith("changelog.d/")]
RUN = [name for name in DOCUMENTS if any(block.is_run for block in blocks((ROOT / name).read_text()))]


def anchors(text: str) -> set[str]:
    """The anchors that GitHub makes of a document's headings."""
    headings = re.findall(r"^#+ (.*)$", re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S), re.M)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", RUN)
def test_a_document_does_what_it_says(name: str, tmp_path: Path) -> None:
    with reader(tmp_path) as somebody:
        for block in blocks((ROOT / name).read_text()):
            somebody.follow(block)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_links_of_a_document_lead_somewhere(name: str) -> None:
    path, text = ROOT / name, (ROOT / name).read_text()
    broken = []
    for link in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S)):
        if re.match(r"[a-z]+:", link):
            continue
        file, _, anchor = unquote(link).partition("#")
        target = (path.parent / file) if file else path
        if not target.exists() or (anchor and anchor not in anchors(target.read_text())):
            broken.append(link)
    assert broken == []


def test_the_readme_fits_two_screens() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 110


def test_the_table_of_contents_names_every_document() -> None:
    assert (ROOT / "docs/README.md").read_text() == contents.contents(ROOT / "docs"), "make docs writes it"


def test_decision_records_are_numbered_without_gaps_and_have_their_four_parts() -> None:
    records = tracked("docs/decisions/*.md")
    assert [int(Path(name).name[:4]) for name in records] == list(range(1, len(records) + 1))
    for name in records:
        parts = re.findall(r"^## (.*)$", (ROOT / name).read_text(), re.M)
        assert parts == ["Context", "Decision", "Consequences", "Alternatives"], name
