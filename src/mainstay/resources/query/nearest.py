"""The name that a misspelt one most likely meant."""

from collections.abc import Iterable
from difflib import get_close_matches

_LONGEST = 80


def nearest(name: str, names: Iterable[str]) -> str:
    """The end of a sentence: `; did you mean title?` for a name close to one of these, else a full stop."""
    # difflib is quadratic: a long name is nobody's typing mistake.
    if len(name) > _LONGEST:
        return "."
    found = get_close_matches(name, list(names), 1, 0.6)
    return f"; did you mean {found[0]}?" if found else "."
