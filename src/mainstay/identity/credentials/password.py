"""Which passwords are acceptable (NIST SP 800-63B §3.1.1: length, no composition rules, a list of the obvious)."""

from mainstay.base.errors import FieldError, Invalid

MINIMUM = 8
MAXIMUM = 256

# Published with the schema, so that a form can say so before it is sent. The long list comes with breach checks.
COMMON = (
    "password", "password1", "password123", "passw0rd", "12345678", "123456789", "1234567890", "qwertyui",
    "qwertyuiop", "qwerty123", "iloveyou", "sunshine", "princess", "football", "baseball", "superman",
    "trustno1", "letmein1", "welcome1", "admin123", "changeme", "00000000", "11111111", "abcd1234", "1q2w3e4r",
)  # fmt: skip
_COMMON = frozenset(COMMON)


def check_password(password: str, email: str) -> None:
    """Refuse a password that is too short, too long, in everybody's list, or the address itself. Raises Invalid."""
    problem = _problem(password, email)
    if problem is not None:
        code, message = problem
        raise Invalid(message, errors=[FieldError(("body", "password"), code, message)])


def _problem(password: str, email: str) -> tuple[str, str] | None:
    if len(password) < MINIMUM:
        return "too_short", f"A password has at least {MINIMUM} characters."
    if len(password) > MAXIMUM:
        return "too_long", f"A password has at most {MAXIMUM} characters."
    folded = password.casefold()
    if folded in _COMMON:
        return "too_common", "This password is one of the first that anybody would try."
    if folded in (email.casefold(), email.partition("@")[0].casefold()):
        return "same_as_email", "The password may not be the e-mail address."
    return None
