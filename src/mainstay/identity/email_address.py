"""E-mail addresses: which are accepted, and when two are the same."""

import re

from mainstay.base.errors import FieldError, Invalid

MAXIMUM = 254  # RFC 5321 §4.5.3.1.3, without the brackets

# The grammar that browsers use for <input type=email> (WHATWG HTML §4.10.5.1.5), with SMTP's limits on each part.
PATTERN = (
    r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}"
    r"@[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?){0,8}$"
)
_accepted = re.compile(PATTERN)


def normalise(email: str) -> str:
    """The form in which addresses are compared: no blanks around it, ASCII letters lowered.

    Strictly the part before the @ may differ by case; no provider in use does, and people type it either way.
    """
    return email.strip().lower()


def require_address(email: str) -> str:
    """The normalised address. Raises Invalid for something that is not one."""
    address = normalise(email)
    if len(address) > MAXIMUM or _accepted.fullmatch(address) is None:
        message = "This is not an e-mail address."
        raise Invalid(message, errors=[FieldError(("body", "email"), "email", message)])
    return address
