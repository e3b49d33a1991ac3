"""The list of breached passwords: the one that is shipped, and those that operators bring."""

import hashlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mainstay.base.errors import ConfigurationError
from mainstay.identity.credentials import open_list, pack


def sha1(password: str) -> str:
    return hashlib.sha1(password.encode()).hexdigest().upper()


def hibp(folder: Path, passwords: dict[str, int]) -> Path:
    """A file as Have I Been Pwned publishes it."""
    file = folder / "pwned.txt"
    file.write_text("\r\n".join(sorted(f"{sha1(each)}:{count}" for each, count in passwords.items())))
    return file


def test_more_than_a_hundred_thousand_real_ones_are_shipped() -> None:
    shipped = open_list()
    assert len(shipped) >= 100_000
    for known in ("password", "iloveyou", "homelesspa", "zag12wsx", "Sojdlg123aljg", "147258369", "gfhjkm"):
        assert known in shipped
    for fresh in ("correct horse battery", "", "x" * 500, "жЩпрст вглубь"):
        assert fresh not in shipped


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(st.text(min_size=1, max_size=12).filter(str.isprintable), st.integers(1, 10**7), min_size=1))
def test_a_file_of_have_i_been_pwned_is_searched_as_it_is(
    tmp_path_factory: pytest.TempPathFactory, passwords: dict[str, int]
) -> None:
    found = open_list(hibp(tmp_path_factory.mktemp("hibp"), passwords))
    assert all(each in found for each in passwords)
    assert not any(f"{each}{each}!not" in found for each in passwords)


def test_a_list_is_packed_from_words_or_from_digests_seen_often_enough(tmp_path: Path) -> None:
    target = tmp_path / "packed.bin"
    assert pack([b"first word\n", b"\n", b"second word\r\n", b"first word\n"], target) == 2
    assert "first word" in open_list(target)
    assert "second word" in open_list(target)
    assert "third word" not in open_list(target)
    lines = hibp(tmp_path, {"seen often": 50, "seen once": 1}).read_bytes().splitlines(keepends=True)
    assert pack(lines, target, at_least=10) == 1
    assert "seen often" in open_list(target)
    assert "seen once" not in open_list(target)


def test_a_file_of_another_form_is_refused_at_the_start(tmp_path: Path) -> None:
    other = tmp_path / "words.txt"
    other.write_text("password\n")
    with pytest.raises(ConfigurationError, match="is no list of breached"):
        open_list(other)
    with pytest.raises(ConfigurationError, match="cannot be read"):
        open_list(tmp_path / "missing.bin")
    target = tmp_path / "cut.bin"
    pack([b"a word", b"another"], target)
    target.write_bytes(target.read_bytes()[:-2])
    with pytest.raises(ConfigurationError, match="ends in the middle"):
        open_list(target)
