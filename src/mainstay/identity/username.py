"""Usernames: public, unique, and of a form that no other name can be mistaken for."""

import re

from mainstay.base.errors import FieldError, Invalid
from mainstay.identity.errors import UsernameTaken

MINIMUM, MAXIMUM = 3, 30
# ASCII, since letters of two scripts can look the same; no @, so that none is an e-mail address.
PATTERN = r"^[A-Za-z0-9]+([._-][A-Za-z0-9]+)*$"
_accepted = re.compile(PATTERN)
# Names that somebody might take for the operator's, and words that addresses use.
_RESERVED = (
    "abuse account admin administrator anonymous api auth everybody everyone help hostmaster info mainstay me "
    "moderator nobody noreply no-reply null official operator owner postmaster root security staff support sysadmin "
    "system team undefined user users webmaster www"
)
RESERVED = frozenset(_RESERVED.split())


def normalise_username(username: str) -> str:
    """The form in which usernames are compared: without blanks around it, lowered."""
    return username.strip().lower()


def require_username(username: str) -> str:
    """The normalised username. Raises Invalid for something that is none, UsernameTaken for a reserved one."""
    name = normalise_username(username)
    if not MINIMUM <= len(name) <= MAXIMUM or _accepted.fullmatch(name) is None:
        message = f"A username has 3 to {MAXIMUM} letters, digits, dots, dashes and underscores, no two marks in a row."
        raise Invalid(message, errors=[FieldError(("body", "username"), "username", message)])
    if name in RESERVED:
        raise UsernameTaken
    return name
