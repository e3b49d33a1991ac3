"""bcrypt hashes that came with users from elsewhere; none is ever made here."""

import re

from mainstay.base.errors import ConfigurationError

try:
    import bcrypt
except ImportError:  # the extra `bcrypt`
    bcrypt = None  # type: ignore[assignment]  # asked for before every use

# 2y is PHP's name, 2a and 2b everybody else's, for one algorithm.
FORM = re.compile(r"\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}")
# Each step doubles the time: 15 takes some two seconds.
HIGHEST_COST = 15
# The algorithm looks at so many bytes; those who made the hashes cut the rest off.
BYTES = 72


def is_one(stored: str) -> bool:
    return stored.startswith("$2")


def is_right(stored: str, password: str) -> bool:
    """Whether the hash is of this password. Raises ConfigurationError where the driver is missing."""
    require_driver()
    typed = password.encode()[:BYTES]
    if b"\x00" in typed:
        return False
    try:
        return bcrypt.checkpw(typed, stored.encode())
    except ValueError:
        return False


def require_driver() -> None:
    """Raises ConfigurationError where bcrypt is not installed."""
    if bcrypt is None:
        raise ConfigurationError(
            "There are bcrypt hashes, and the bcrypt driver is missing.", fix="pip install 'mainstay[bcrypt]'"
        )
