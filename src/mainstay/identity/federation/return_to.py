"""Where people may be sent when they come back: our own paths, and front ends that are registered."""

import re
from collections.abc import Set as AbstractSet
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from mainstay.identity.federation.errors import ReturnRefused

LONGEST = 1000
# RFC 3986's characters. No backslash, no control, no blank: browsers drop or turn them before they go anywhere.
_PLAIN = re.compile(r"[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]+")
_HOST = re.compile(r"https?://(?:[a-z0-9-]+(?:\.[a-z0-9-]+)*|\[[0-9a-f:]+\])(?::[0-9]{1,5})?")


def require_return(text: str, origins: AbstractSet[str]) -> str:
    """The address as it was given. Raises ReturnRefused for one that leads anywhere else."""
    if len(text) > LONGEST or _PLAIN.fullmatch(text) is None:
        raise ReturnRefused
    if text.startswith("/"):
        # `//host` is another host.
        if text.startswith("//"):
            raise ReturnRefused
        return text
    origin = _HOST.match(text)
    rest = text[origin.end() :] if origin else ""
    if origin is None or origin[0] not in origins or (rest and rest[0] not in "/?#"):
        raise ReturnRefused
    return text


def returning(to: str, **told: str) -> str:
    """The address with these parameters; what it had under their names is replaced."""
    parts = urlsplit(to)
    kept = [(name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if name not in told]
    return urlunsplit(parts._replace(query=urlencode([*kept, *told.items()])))
