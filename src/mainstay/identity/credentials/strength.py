"""How hard a password is to guess: zxcvbn, whose lists of words are loaded with this module."""

from collections.abc import Sequence

from zxcvbn import zxcvbn  # type: ignore[import-untyped]  # it comes without types


def score(password: str, personal: Sequence[str]) -> int:
    """0, guessed at once, to 4, out of reach. Takes the cube of the length."""
    return int(zxcvbn(password, user_inputs=list(personal))["score"])
