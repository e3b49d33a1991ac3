"""The runner of the documents notices what does not do as it says."""

from pathlib import Path

import pytest

from tests.docs.document import Broken, blocks, reader


def follow(folder: Path, text: str) -> Path:
    with reader(folder) as somebody:
        for block in blocks(text):
            somebody.follow(block)
    return folder


def test_a_named_block_becomes_a_file_and_is_used_by_the_next(tmp_path: Path) -> None:
    text = "```python\n# pkg/one.py\nx = 4\n```\n\n"
    text += "```console\n$ cd pkg\n$ python -c 'import one; print(one.x + 1)'\n5\n```\n"
    assert (follow(tmp_path, text) / "pkg" / "one.py").read_text() == "# pkg/one.py\nx = 4\n"


@pytest.mark.parametrize(
    "text",
    [
        "```python\nraise SystemExit(1)\n```\n",
        "```console\n$ false\n```\n",
        "```console\n$ echo one\ntwo\n```\n",
        "```console\n$ printf 'two\\none\\n'\none\ntwo\n```\n",
        "```json\n{\n```\n",
        "```bash\ntrue\n```\n",
        "<!-- docs: sometimes -->\n```console\n$ true\n```\n",
        "<!-- docs: fails -->\n```console\n$ true\n```\n",
        "<!-- docs: serve -->\n```console\n$ true\n```\n",
    ],
)
def test_a_document_that_does_not_do_as_it_says_is_broken(tmp_path: Path, text: str) -> None:
    with pytest.raises((Broken, ValueError)):
        follow(tmp_path, text)


@pytest.mark.parametrize(
    "text",
    [
        "```console\n$ printf 'one\\nthen 12 ms\\nthree\\n'\none\nthen … ms\n```\n",
        "```console\n$ printf 'one\\ntwo\\nthree\\n'\none\nthree\n```\n",
        "<!-- docs: fails -->\n```console\n$ false\n```\n",
        "<!-- docs: not run: it takes an hour -->\n```console\n$ false\n```\n",
        "<!-- docs: serve -->\n```console\n$ python -m http.server 8000 --bind 127.0.0.1\n```\n\n"
        "```console\n$ curl -s http://127.0.0.1:8000/ | head -n 1\n<!DOCTYPE HTML\n```\n",
    ],
)
def test_a_document_that_does_as_it_says_passes(tmp_path: Path, text: str) -> None:
    follow(tmp_path, text)
