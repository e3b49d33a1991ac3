"""Which URLs strangers may hand us: read once, by the parser that the call is made with."""

import re
from dataclasses import dataclass

import httpx2

from mainstay.outbound.addresses import literal
from mainstay.outbound.errors import AddressRefused
from mainstay.outbound.options import FetchOptions

LONGEST = 2048
_DEFAULT_PORTS = {"https": 443, "http": 80}
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"(?:{_LABEL}\.)*{_LABEL}")
# What ends in a number is an address to some parsers and a name to others: 127.1, 0x7f.1, 2130706433.
_NUMBER = re.compile(r"(?:^|\.)(?:0x[0-9a-f]*|[0-9]+)$")
# Controls, blanks and backslashes mean one thing to this parser and another to the next.
_DOUBTFUL = re.compile(r"[\x00-\x20\x7f\\]")


@dataclass(frozen=True, slots=True)
class Location:
    """A URL in its parts: lower-case host without brackets or final dot, the port, and the whole as it is sent."""

    url: httpx2.URL
    scheme: str
    host: str
    port: int

    @property
    def origin(self) -> tuple[str, str, int]:
        return self.scheme, self.host, self.port

    @property
    def authority(self) -> str:
        """As the Host header has it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if _DEFAULT_PORTS[self.scheme] == self.port else f"{host}:{self.port}"


def locate(url: str) -> Location:
    """The URL in its parts. Raises AddressRefused for one that is not a plain http(s) URL of a host."""
    if len(url) > LONGEST or _DOUBTFUL.search(url):
        raise AddressRefused("it is too long, or holds blanks, controls or backslashes")
    try:
        parsed = httpx2.URL(url)
        host = parsed.raw_host.decode("ascii").lower().removesuffix(".")
        port = _DEFAULT_PORTS.get(parsed.scheme, 0) if parsed.port is None else parsed.port
    except (httpx2.InvalidURL, ValueError, UnicodeError) as error:
        raise AddressRefused(f"it is not a URL ({type(error).__name__})") from None
    if parsed.scheme not in _DEFAULT_PORTS:
        raise AddressRefused(f"its scheme is {parsed.scheme!r}")
    if "@" in re.split(r"[/?#]", url.partition("//")[2], maxsplit=1)[0]:
        raise AddressRefused("it names a user")
    if literal(host) is None and (_NAME.fullmatch(host) is None or _NUMBER.search(host) or len(host) > 253):
        raise AddressRefused("its host is neither a whole name nor an address in its usual form")
    if "%" in host:
        raise AddressRefused("its host names a zone")
    return Location(parsed.copy_with(fragment=None), parsed.scheme, host, port)


def admit(location: Location, options: FetchOptions) -> None:
    """Raises AddressRefused for a scheme, port or kind of name that is not open to strangers' addresses."""
    if location.scheme == "http" and not options.http:
        raise AddressRefused("it is http, and only https is fetched")
    if location.port not in options.ports:
        raise AddressRefused(f"its port is {location.port}")
    if literal(location.host) is None and "." not in location.host:
        # Such names are found beside us: localhost, the database, whatever the search list adds to them.
        raise AddressRefused("its host is a name of one word")
