"""Entity tags, If-Match and If-None-Match."""

import pytest

from mainstay.base.errors import BadRequest
from mainstay.web import if_none_match, matched_versions

ETAG = '"3.ab12"'


@pytest.mark.parametrize("header", [ETAG, f'"x", {ETAG}', "*", f"W/{ETAG}"])
def test_a_caller_who_holds_the_representation_is_told_so(header: str) -> None:
    assert if_none_match(header, ETAG)


@pytest.mark.parametrize("header", [None, "", '"3.ab13"', '"3"', '"x,3.ab12"'])
def test_a_caller_who_holds_another_one_is_sent_it(header: str | None) -> None:
    assert not if_none_match(header, ETAG)


def test_if_match_names_versions_and_ignores_the_representation() -> None:
    assert matched_versions('"3.ab12", "4.cd"') == frozenset({"3", "4"})


def test_a_weak_tag_never_matches_a_write() -> None:
    assert matched_versions('W/"3.ab12"') == frozenset()


@pytest.mark.parametrize("header", [None, "*", " * "])
def test_no_condition_and_a_star_allow_every_version(header: str | None) -> None:
    assert matched_versions(header) is None


@pytest.mark.parametrize("header", ["3", '"3', '"3" "4"', "W/", '"a"b'])
def test_a_header_that_is_no_list_of_tags_is_refused(header: str) -> None:
    with pytest.raises(BadRequest):
        matched_versions(header)
