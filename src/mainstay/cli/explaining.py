"""A rule explained for all rows at once: what depends on the row is UNKNOWN."""

from collections import defaultdict
from typing import Any

from mainstay.access.policy import Explanation


class AnyRow(defaultdict[Any, None]):
    """A row of which nothing is known: every comparison with it is UNKNOWN."""

    def __init__(self) -> None:
        super().__init__(lambda: None)


def without_row(tree: Explanation) -> Explanation:
    """The same tree, with `is_null()` UNKNOWN too: of no row, even that is not known."""
    if not tree.parts:
        return Explanation(tree.text, None) if tree.text.endswith(".is_null()") else tree
    parts = tuple(without_row(part) for part in tree.parts)
    return Explanation(tree.text, _outcome(tree, [part.outcome for part in parts]), parts)


def _outcome(tree: Explanation, parts: list[bool | None]) -> bool | None:
    """Kleene's three-valued logic over the parts."""
    if len(parts) == 1:
        return None if parts[0] is None else not parts[0]
    signs = tree.text
    for part in sorted(tree.parts, key=lambda each: -len(each.text)):
        signs = signs.replace(part.text, "")
    decisive = "&" not in signs
    if decisive in parts:
        return decisive
    return None if None in parts else not decisive
