"""Cookies that only this host sets and reads (RFC 6265bis), by the names that browsers hold us to."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from mainstay.base.errors import BadRequest

Headers = Iterable[tuple[bytes, bytes]]
SameSite = Literal["Strict", "Lax"]
LONGEST = 8192


@dataclass(frozen=True, slots=True)
class Cookie:
    """One cookie of ours. Browsers refuse the `__Host-` prefix without Secure and Path=/, and with a Domain.

    `hidden` keeps it from scripts. Without `secure`, for plain http on a developer's own machine, it has neither the
    prefix nor the attribute, and any program on that machine can set it.
    """

    name: str
    secure: bool = True
    hidden: bool = True
    same_site: SameSite = "Lax"
    sent_as: str = field(init=False)
    _start: bytes = field(init=False, repr=False)

    def __post_init__(self) -> None:
        sent_as = f"__Host-{self.name}" if self.secure else self.name
        object.__setattr__(self, "sent_as", sent_as)
        object.__setattr__(self, "_start", f"{sent_as}=".encode())

    def read(self, headers: Headers) -> str | None:
        """Its value, or None. Raises BadRequest for two of them: one was set by somebody else."""
        found: str | None = None
        for name, value in headers:
            if name != b"cookie" or self._start not in value:
                continue
            # HTTP/2 may split the header in several, RFC 9113 §8.2.3.
            for pair in value[:LONGEST].split(b";"):
                if pair.strip(b" \t").startswith(self._start):
                    if found is not None:
                        raise BadRequest(f"The cookie {self.sent_as} stands twice in this request.", code="two_cookies")
                    found = pair.strip(b" \t")[len(self._start) :].decode("latin-1")
        return found

    def read_now(self, header: bytes) -> bytes | None:
        """Its value in the one Cookie header of a request, if it plainly stands there once; else None."""
        start = self._start
        at = header.find(start)
        if at < 0 or (at and header[at - 2 : at] != b"; ") or header.find(start, at + 1) >= 0:
            return None
        end = header.find(b";", at)
        return header[at + len(start) : None if end < 0 else end]

    def stands_in(self, header: bytes) -> bool:
        """Whether its name stands in this Cookie header, however it does."""
        return self._start in header

    def set(self, value: str, max_age: int | None = None) -> str:
        """The Set-Cookie header. Without `max_age` (seconds) the browser drops it when it is closed."""
        return self._attributes(value, None if max_age is None else max(0, max_age))

    def clear(self) -> str:
        """The Set-Cookie header that removes it."""
        return self._attributes("", 0)

    def _attributes(self, value: str, max_age: int | None) -> str:
        parts = [f"{self.sent_as}={value}", "Path=/"]
        if max_age is not None:
            parts.append(f"Max-Age={max_age}")
        if self.secure:
            parts.append("Secure")
        if self.hidden:
            parts.append("HttpOnly")
        return "; ".join([*parts, f"SameSite={self.same_site}"])
