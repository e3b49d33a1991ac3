"""Files are read row by row and written so that reading gives the same rows back."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mainstay.base.errors import ConfigurationError
from mainstay.resources.transfer import FileFormat, format_of
from mainstay.resources.transfer import read_file as reading
from mainstay.resources.transfer.read_file import read_file
from mainstay.resources.transfer.write_file import FileWriter

text = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=12) | st.sampled_from(
    ['"', '""', ",", ',"",', "\n", "\r\n", "", '"a","b"', '\n"",\n']
)
rows = st.lists(st.fixed_dictionaries({"a": text | st.none(), "b": text | st.none(), "c": text}), max_size=8)


def written(path: Path, form: FileFormat, values: list[dict[str, Any]]) -> Path:
    with FileWriter(path, form, ["a", "b", "c"]) as file:
        file.write(values[:3])
        file.write(values[3:])
    return path


@pytest.mark.parametrize("form", list(FileFormat))
@given(values=rows)
@settings(max_examples=150, deadline=None)
def test_rows_written_to_a_file_are_read_back_the_same(
    form: FileFormat, values: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = written(tmp_path_factory.getbasetemp() / f"rows.{form}", form, values)
    assert [row.values for row in read_file(path, form)] == values


def test_a_json_array_larger_than_a_chunk_is_read_element_by_element(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "CHUNK", 7)
    values = [{"a": "x" * n, "b": None, "c": str(n)} for n in range(60)]
    path = written(tmp_path / "rows.json", FileFormat.json, values)
    assert [row.values for row in read_file(path, FileFormat.json)] == values


def test_a_csv_row_names_the_line_it_starts_on_even_after_a_cell_of_several_lines(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text('a,b\n"one\ntwo",1\nx,2\n')
    assert [(row.line, row.values) for row in read_file(path, FileFormat.csv)] == [
        (2, {"a": "one\ntwo", "b": "1"}),
        (4, {"a": "x", "b": "2"}),
    ]


def test_an_empty_csv_cell_is_null_and_a_quoted_one_is_the_empty_string(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes(b'\xef\xbb\xbfa,b\r\n,""\r\n')
    assert [row.values for row in read_file(path, FileFormat.csv)] == [{"a": None, "b": ""}]


@pytest.mark.parametrize(
    ("ending", "content", "line", "words"),
    [
        ("csv", b"a,b\n1,2,3\n4,5\n", 2, "3 cells"),
        ("csv", b"a,b\n\xff,2\n4,5\n", 2, "not UTF-8"),
        ("csv", b'a,b\n"1"x,2\n4,5\n', 2, "not CSV"),
        ("ndjson", b'{"a": 1\n{"a":"4","b":"5"}\n', 1, "not JSON"),
        ("ndjson", b'[1]\n{"a":"4","b":"5"}\n', 1, "not a JSON object"),
        ("ndjson", b'{"a": NaN}\n{"a":"4","b":"5"}\n', 1, "not JSON"),
        ("json", b'[3,\n{"a":"4","b":"5"}]', 1, "not a JSON object"),
    ],
)
def test_a_broken_row_is_told_with_its_line_and_the_rest_is_read(
    ending: str, content: bytes, line: int, words: str, tmp_path: Path
) -> None:
    path = tmp_path / f"rows.{ending}"
    path.write_bytes(content)
    broken, whole = read_file(path, format_of(path))
    assert (broken.line, broken.values) == (line, None)
    assert words in broken.reason
    assert whole.values == {"a": "4", "b": "5"}


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("rows.csv", b"a,a\n1,2\n", "stands twice"),
        ("rows.csv", b"a,\n1,2\n", "no name"),
        ("rows.json", b'{"a": 1}', "not one JSON array"),
        ("rows.json", b'[{"a": 1} {"a": 2}]', "not one JSON array"),
        ("rows.json", b'[{"a": 1', "not one JSON array"),
        ("rows.json", b"", "not one JSON array"),
        ("rows.xml", b"", "does not end in a format"),
        ("missing/rows.csv", None, "cannot be read"),
    ],
)
def test_a_file_that_is_no_table_is_refused_with_what_to_do(
    name: str, content: bytes | None, words: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=words) as refused:
        list(read_file(path, format_of(path)))
    assert refused.value.fix


def test_an_interrupted_export_leaves_the_older_file_as_it_was(tmp_path: Path) -> None:
    path = written(tmp_path / "rows.json", FileFormat.json, [{"a": "1", "b": "2", "c": "3"}])
    before = path.read_bytes()

    def interrupted() -> None:
        with FileWriter(path, FileFormat.json, ["a"]) as file:
            file.write([{"a": 1}])
            raise RuntimeError("interrupted")

    with pytest.raises(RuntimeError, match="interrupted"):
        interrupted()
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
