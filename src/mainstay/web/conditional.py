"""Conditional requests: entity tags and what If-Match and If-None-Match ask (RFC 9110 §13)."""

import re

from mainstay.base.errors import BadRequest

# RFC 9110 §8.8.3: an opaque tag may hold commas, so a list of tags cannot be split at them.
_TAG = re.compile(r'\s*(W/)?"([\x21\x23-\x7e\x80-\xff]*)"\s*(?:,|$)')


def if_none_match(header: str | None, etag: str) -> bool:
    """Whether the caller already holds this representation, so that 304 is the answer. Weak comparison (§13.1.2)."""
    if not header:
        return False
    if header.strip() == "*":
        return True
    return etag.removeprefix("W/").strip('"') in (tag for _, tag in _tags("If-None-Match", header))


def matched_versions(header: str | None) -> frozenset[str] | None:
    """The row versions that If-Match names, or None where any will do (no header, or `*`).

    Raises BadRequest for a header that is not a list of entity tags.
    """
    if header is None or header.strip() == "*":
        return None
    return frozenset(tag.partition(".")[0] for weak, tag in _tags("If-Match", header) if not weak)


def _tags(name: str, header: str) -> list[tuple[str, str]]:
    tags: list[tuple[str, str]] = []
    position = 0
    while position < len(header):
        match = _TAG.match(header, position)
        if match is None:
            raise BadRequest(f'{name} is a list of entity tags, each in double quotes: "3.ab12".', code="bad_etag")
        tags.append((match[1] or "", match[2]))
        position = match.end()
    return tags
