"""Which passwords are acceptable (NIST SP 800-63B-4 §3.1.1.2: length, a list of the obvious, no composition rules)."""

import unicodedata
from collections.abc import Iterable, Sequence

from mainstay.base.errors import FieldError, Invalid
from mainstay.identity.credentials.breached import BreachedList
from mainstay.identity.credentials.hashing import normal_form
from mainstay.identity.credentials.options import PasswordOptions
from mainstay.identity.errors import PasswordRefused

MINIMUM = 8
MAXIMUM = 1024
# What an estimate looks at: it takes the cube of the length, and 48 characters that are easy to guess are rare enough.
ESTIMATED = 48

# Published with the schema, so that a form can say so before it is sent. The long list is not for publishing.
COMMON = (
    "password", "password1", "password123", "passw0rd", "12345678", "123456789", "1234567890", "qwertyui",
    "qwertyuiop", "qwerty123", "iloveyou", "sunshine", "princess", "football", "baseball", "superman",
    "trustno1", "letmein1", "welcome1", "admin123", "changeme", "00000000", "11111111", "abcd1234", "1q2w3e4r",
)  # fmt: skip
_COMMON = frozenset(COMMON)


class PasswordPolicy:
    """Refuses passwords that somebody would guess."""

    def __init__(self, options: PasswordOptions, breached: BreachedList | None) -> None:
        self._minimum, self._strength = max(MINIMUM, options.minimum), options.strength
        self._breached = breached

    def check(self, password: str, personal: Iterable[str | None] = (), field: str = "password") -> None:
        """Raises Invalid for what the schema refuses too, a length or one of the first tries; PasswordRefused for a
        password that is in a list of breached ones, easy to guess, or one of the user's own names, which `personal`
        holds: address, username, display name.

        A few milliseconds of work: not for the event loop.
        """
        problem = _outside(password)
        if problem is not None:
            raise Invalid(problem[1], errors=[FieldError(("body", field), *problem)])
        normal = normal_form(password)
        problem = _outside(normal) or self._problem(normal, [each for each in personal if each])
        if problem is not None:
            raise PasswordRefused(field, *problem)

    def _problem(self, password: str, personal: Sequence[str]) -> tuple[str, str] | None:
        if len(password) < self._minimum:
            return "too_short", f"A password has at least {self._minimum} characters."
        folded = password.casefold()
        for name in personal:
            if folded in (name.casefold(), name.partition("@")[0].casefold()):
                code = "same_as_email" if "@" in name else "same_as_name"
                return code, f"The password may not be the {'e-mail address' if '@' in name else 'name'}."
        if self._breached is not None and (password in self._breached or folded in self._breached):
            return "breached", "This password was found in a breach of another service; others will try it."
        if self._strength and self.strength(password, personal) < self._strength:
            return "too_weak", "This password is easy to guess: add a word or two that nobody would expect."
        return None

    def strength(self, password: str, personal: Sequence[str] = ()) -> int:
        """0, guessed at once, to 4, out of reach (zxcvbn's scores)."""
        looked_at = password[:ESTIMATED]
        if any(unicodedata.category(letter)[0] in "CM" for letter in looked_at):
            # Its patterns know none of these, and count them as if they were hard to guess.
            looked_at = "".join(letter for letter in looked_at if unicodedata.category(letter)[0] not in "CM")
        if not looked_at:
            return 0
        parts = [part for name in personal for part in (name, *name.replace("@", " ").replace(".", " ").split())]
        from mainstay.identity.credentials.strength import score  # noqa: PLC0415  12 MB of words; not before one is chosen

        return score(looked_at, parts[:20])


def _outside(password: str) -> tuple[str, str] | None:
    if len(password) < MINIMUM:
        return "too_short", f"A password has at least {MINIMUM} characters."
    if len(password) > MAXIMUM:
        return "too_long", f"A password has at most {MAXIMUM} characters."
    if password.casefold() in _COMMON:
        return "too_common", "This password is one of the first that anybody would try."
    return None
