"""How hard a password is to guess: zxcvbn, whose lists of words are loaded with this module."""

from collections.abc import Sequence

from zxcvbn import zxcvbn  # type: ignore[import-untyped]  # it comes without types
from zxcvbn.matching import (  # type: ignore[import-untyped]  # as said
    L33T_TABLE,
    enumerate_l33t_subs,
    relevant_l33t_subtable,
)

# A sign that stands for several letters is looked up as each of them, in every combination with the other signs: 20
# signs make 736 readings and seconds of work. People use a few of them; what goes beyond is read as the sign it is.
READINGS = 16
NO_LETTER = "~"
_SIGNS = frozenset(sign for signs in L33T_TABLE.values() for sign in signs)


def score(password: str, personal: Sequence[str]) -> int:
    """0, guessed at once, to 4, out of reach. Takes the cube of the length."""
    return int(zxcvbn(_plainer(password), user_inputs=list(personal))["score"])


def _plainer(password: str) -> str:
    """The password without signs that would have it read in more than READINGS ways."""
    kept = ""
    # Digits first: all ten of them are few readings, and whole dates and sequences are found by them.
    for sign in sorted(_SIGNS.intersection(password), key=lambda sign: (not sign.isdigit(), password.index(sign))):
        if len(enumerate_l33t_subs(relevant_l33t_subtable(kept + sign, L33T_TABLE))) <= READINGS:
            kept += sign
        else:
            password = password.replace(sign, NO_LETTER)
    return password
