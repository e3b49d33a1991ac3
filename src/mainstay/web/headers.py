"""The edge of the app: who is turned away before anything else, and the headers that make browsers careful.

What every answer gets is worked out once. An answer that has one of these headers keeps its own.
"""

import base64
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.types import Scope

from mainstay.base.errors import BadRequest, ConfigurationError, Forbidden, Rejected
from mainstay.web.problems import problem
from mainstay.web.responses import Header

NONCE = "mainstay.nonce"
# Probes come by address, in clear, from within.
PROBES = frozenset({"/livez", "/readyz", "/health"})
_FOR_DATA = frozenset({b"x-content-type-options", b"content-security-policy", b"strict-transport-security"})
_SAFE = frozenset({"GET", "HEAD"})
_SCHEMES = {"http": ("http", "https"), "websocket": ("ws", "wss")}
Reply = tuple[int, list[Header], bytes]


@dataclass(frozen=True, slots=True)
class HeaderOptions:
    """What browsers are told. None leaves a header out; `hsts` is in seconds and only for sites that are https alone.

    `frame_ancestors` says who may show our pages within theirs (CSP Level 3 §6.4.2). `policy` is for pages that ask
    for a nonce; `{nonce}` stands for it.
    """

    hsts: int | None = None
    hsts_subdomains: bool = False
    frame_ancestors: str = "'none'"
    referrer: str | None = "same-origin"
    permissions: str | None = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"
    policy: str = (
        "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; img-src 'self' data:; "
        "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'"
    )


@dataclass(frozen=True, slots=True)
class EdgeOptions:
    """`hosts` are names that requests may be for, `*.shop.example` for all below it; none allows every name.

    `https` sends plain requests to https, at `public_url` where there is one.
    """

    hosts: tuple[str, ...] = ()
    https: bool = False
    public_url: str | None = None


def nonce_of(scope: Scope) -> str:
    """The nonce of this answer, for the style and script elements of its page; the answer's policy names it."""
    made: str = scope.setdefault(NONCE, base64.b64encode(os.urandom(18)).decode())
    return made


class Edge:
    """What the Spine asks at the beginning and at the end of a request. `without` are headers that others set."""

    def __init__(
        self,
        headers: HeaderOptions | None = None,
        options: EdgeOptions | None = None,
        trusts: Callable[[Scope], bool] | None = None,
        without: Collection[str] = (),
    ) -> None:
        self._options = options or EdgeOptions()
        self._trusts = trusts or (lambda scope: False)
        told = headers or HeaderOptions()
        self._policy, self._frames = told.policy, f"frame-ancestors {told.frame_ancestors}"
        self.always: tuple[Header, ...] = tuple(each for each in _always(told) if each[0].decode() not in without)
        # What matters of them where the answer is data and no page.
        self.data = tuple(each for each in self.always if each[0] in _FOR_DATA)
        self._exact = frozenset(each.lower() for each in self._options.hosts if not each.startswith("*."))
        self._below = tuple(each[1:].lower() for each in self._options.hosts if each.startswith("*."))
        # Hosts as they stood in requests, and were found good.
        self._good: set[bytes] = set()
        for name in self._options.hosts:
            if not name or "/" in name or "*" in name.removeprefix("*."):
                raise ConfigurationError(
                    f"MAINSTAY_HOSTS: {name[:60]!r} is no name of a host.", fix="Write shop.example, or *.shop.example."
                )

    @property
    def open(self) -> bool:
        """Whether nobody is turned away here."""
        return not (self._options.hosts or self._options.https)

    def turned_away(self, scope: Scope, sent: Mapping[bytes, bytes]) -> Reply | None:
        """The answer to a request for another host, or in clear; None for one that may go on.

        Believes X-Forwarded-Proto from trusted proxies alone, and corrects the scope's scheme by it.
        """
        host = sent.get(b"host", b"")
        if self._trusts(scope) and sent.get(b"x-forwarded-proto") in (b"https", b"http"):
            secure = sent[b"x-forwarded-proto"] == b"https"
            scope["scheme"] = _SCHEMES[scope["type"]][secure]
        if scope["path"] in PROBES:
            return None
        if self._options.hosts and host not in self._good and not self._is_good(host):
            return _refusal(scope, BadRequest("No site of this name is served here.", code="unknown_host"))
        if not self._options.https or scope.get("scheme") in ("https", "wss"):
            return None
        if scope.get("method") not in _SAFE:
            # A redirect would have the body sent a second time, and the first time was in clear already.
            return _refusal(scope, Forbidden("Use https.", code="https_required"))
        return self._redirect(scope, host)

    def complete(self, scope: Scope, headers: Sequence[Header]) -> list[Header]:
        """The headers of an answer that the app made, with those it lacks."""
        had = {name.lower() for name, _ in headers}
        nonce = scope.get(NONCE)
        found = [*headers]
        if nonce is not None and b"content-security-policy" not in had:
            policy = f"{self._policy.replace('{nonce}', nonce)}; {self._frames}"
            found.append((b"content-security-policy", policy.encode()))
            had.add(b"content-security-policy")
        found.extend(each for each in self.always if each[0] not in had)
        return found

    def _is_good(self, host: bytes) -> bool:
        name = host.decode("latin-1").lower()
        name = name[: name.rfind("]") + 1] if name.startswith("[") else name.partition(":")[0]
        good = name in self._exact or any(name.endswith(each) and len(name) > len(each) for each in self._below)
        if good and len(self._good) < 1000:
            self._good.add(host)
        return good

    def _redirect(self, scope: Scope, host: bytes) -> Reply:
        public = urlsplit(self._options.public_url or "")
        netloc = public.netloc.encode() or host.partition(b":")[0]
        raw: bytes = scope.get("raw_path") or scope["path"].encode()
        query = b"?" + scope["query_string"] if scope.get("query_string") else b""
        if not netloc or not raw.startswith(b"/"):
            return _refusal(scope, Forbidden("Use https.", code="https_required"))
        location = b"https://" + netloc + raw.partition(b"?")[0] + query
        return 308, [(b"location", location), (b"content-length", b"0"), (b"cache-control", b"no-store")], b""


def _always(told: HeaderOptions) -> list[Header]:
    found: list[Header] = [(b"x-content-type-options", b"nosniff")]
    if told.frame_ancestors != "*":
        found.append((b"content-security-policy", f"frame-ancestors {told.frame_ancestors}".encode()))
    if told.frame_ancestors in ("'none'", "'self'"):
        found.append((b"x-frame-options", b"DENY" if told.frame_ancestors == "'none'" else b"SAMEORIGIN"))
    if told.referrer is not None:
        found.append((b"referrer-policy", told.referrer.encode()))
    if told.permissions is not None:
        found.append((b"permissions-policy", told.permissions.encode()))
    if told.hsts is not None:
        below = "; includeSubDomains" if told.hsts_subdomains else ""
        found.append((b"strict-transport-security", f"max-age={told.hsts}{below}".encode()))
    return found


def _refusal(scope: Scope, error: Rejected) -> Reply:
    return problem(error, scope.get("mainstay.request_id", ""), scope["path"])
