"""Headers that the operator wants on every answer."""

import re
from collections.abc import Mapping

from mainstay.base.errors import ConfigurationError
from mainstay.base.ports import HttpScope

_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_VALUE = re.compile(r"[\x20-\x7e\xa0-\xff]*")
# Of one answer only, or of the connection: one value for all would break them.
_NOT_FOR_ALL = frozenset(
    {
        *("connection", "content-encoding", "content-length", "content-range", "content-type", "date", "etag"),
        *("keep-alive", "location", "set-cookie", "te", "trailer", "transfer-encoding", "upgrade", "vary"),
        *("www-authenticate", "x-request-id", "access-control-allow-origin", "access-control-allow-credentials"),
    }
)
Header = tuple[bytes, bytes]


def answer_headers(named: Mapping[str, str]) -> tuple[Header, ...]:
    """The headers as they are sent. Raises ConfigurationError for a name or value that cannot stand on every answer."""
    for name, value in named.items():
        if name.lower() in _NOT_FOR_ALL:
            raise ConfigurationError(
                f"MAINSTAY_ANSWER_HEADERS names {name}, which differs from answer to answer.",
                fix="Set it where the answer is made.",
            )
        if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
            raise ConfigurationError(
                f"MAINSTAY_ANSWER_HEADERS: {name[:60]!r} is no header's name, or its value has a line break.",
                fix='Write JSON such as {"X-Frame-Options": "DENY"}.',
            )
    return tuple((name.lower().encode(), value.encode("latin-1")) for name, value in named.items())


class CustomHeaders:
    """base.ports.Observer: puts headers on every answer, problems included."""

    def __init__(self, headers: tuple[Header, ...]) -> None:
        self._headers = headers

    def started(self, scope: HttpScope) -> None:
        scope.setdefault("mainstay.headers", []).extend(self._headers)

    def finished(self, scope: HttpScope, status: int, seconds: float) -> None:
        return None
