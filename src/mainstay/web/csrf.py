"""Cross-site request forgery: what a browser sends along by itself proves nothing about whose page asked for it.

A cookie counts for a request that changes something only with both of: the browser's own word that a page of ours, or
of an origin that we named, sent it (Sec-Fetch-Site, else Origin), and the session's token in `X-CSRF-Token`, which
other sites' pages cannot read.
"""

import hmac
from collections.abc import Callable, Iterable
from urllib.parse import urlsplit

from mainstay.base.errors import Forbidden

Headers = Iterable[tuple[bytes, bytes]]
HEADER = b"x-csrf-token"
# A form that works without scripts cannot set headers: it brings the token in a hidden field of this name.
FIELD = "csrf_token"
# RFC 9110 §9.2.1. Whatever is not listed here changes something; a WebSocket handshake is named WEBSOCKET.
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
WEBSOCKET = "WEBSOCKET"
_WANTED = (b"origin", b"sec-fetch-site", b"host", HEADER)


class CsrfRules:
    """Which requests may use the cookies that came with them. `allows` says which other origins' pages may ask."""

    def __init__(self, allows: Callable[[str], bool] | None = None, public_url: str | None = None) -> None:
        self._allows = allows or (lambda origin: False)
        self._own = None if public_url is None else "{0.scheme}://{0.netloc}".format(urlsplit(public_url.lower()))

    def check(self, headers: Headers, method: str, token: bytes) -> None:
        """Raises Forbidden (`csrf_failed`) unless this request may use its cookie. `token` is the session's."""
        if method in SAFE:
            return
        sent = _sent(headers)
        self._refuse_foreign(sent, strictly=method == WEBSOCKET)
        # A browser lets no page set headers of a WebSocket's handshake: there its Origin has to do.
        if method != WEBSOCKET and not hmac.compare_digest(sent.get(HEADER, b""), token):
            raise _failed("Send the session's CSRF token in X-CSRF-Token.")

    def refuse_foreign(self, headers: Headers) -> None:
        """Raises Forbidden for a request that a page of another site sent: before there is a session, at sign-in."""
        self._refuse_foreign(_sent(headers), strictly=False)

    def _refuse_foreign(self, sent: dict[bytes, bytes], *, strictly: bool) -> None:
        origin, site = sent.get(b"origin"), sent.get(b"sec-fetch-site")
        if site is not None:
            # The browser knows which address it asked; behind a proxy that renames hosts we do not.
            if site in (b"same-origin", b"none"):
                return
        elif origin is None:
            if not strictly:
                return  # no browser of these years: a program with cookies of its own
        elif self._is_ours(origin, sent.get(b"host")):
            return
        if origin is not None and origin != b"null" and self._allows(origin.decode("latin-1")):
            return
        raise _failed("A page of another site sent this request.")

    def _is_ours(self, origin: bytes, host: bytes | None) -> bool:
        text = origin.decode("latin-1").lower()
        if self._own is not None and text == self._own:
            return True
        scheme, _, netloc = text.partition("://")
        # Behind a proxy that ends TLS we do not know the scheme; the host is what tells sites apart here.
        return host is not None and scheme in ("http", "https") and netloc == host.decode("latin-1").lower()


def with_field(headers: Headers, value: str) -> list[tuple[bytes, bytes]]:
    """The request's headers as if the form's hidden field had come in `X-CSRF-Token`, in whose place it stands."""
    token = value.encode("latin-1", "replace")
    return [*((name, each) for name, each in headers if name != HEADER), (HEADER, token)]


def _sent(headers: Headers) -> dict[bytes, bytes]:
    sent: dict[bytes, bytes] = {}
    for name, value in headers:
        if name in _WANTED:
            if name in sent:
                raise _failed(f"{name.decode()} stands twice in this request.")
            sent[name] = value
    return sent


def _failed(detail: str) -> Forbidden:
    return Forbidden(detail, code="csrf_failed")
