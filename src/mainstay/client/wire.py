"""Where the app is, and requests as they are sent there: to no other address."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, TypedDict
from urllib.parse import urlsplit

import httpx2
import orjson

from mainstay.client.errors import ClientError
from mainstay.client.query import Query, pairs
from mainstay.client.steps import Send


class RequestOptions(TypedDict, total=False):
    """What may be said about a request. `json` is anything that JSON can say; `content` are bytes as they are."""

    params: Query
    json: Any
    content: bytes
    headers: Mapping[str, str]
    if_match: str | None
    idempotency_key: str | None
    anonymous: bool
    check: bool


class Wire:
    """The app at `url`, and the tenant that requests are for."""

    def __init__(self, url: str, tenant: str | None) -> None:
        parts = urlsplit(url)
        if "@" in parts.netloc:
            # Addresses end up in logs.
            raise ClientError("Leave name and password out of the app's address, and sign in with them.")
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise ClientError(f"{url!r} is no web address: say where the app is, as https://app.example.")
        self._base = url.rstrip("/")
        self._origin = f"{parts.scheme}://{parts.netloc}"
        self._tenant = tenant

    def request(
        self, method: str, path: str, options: RequestOptions, *, timeout: httpx2.Timeout | None = None
    ) -> Send:
        """Raises ClientError for another app's address."""
        if not path.startswith("/"):
            parts = urlsplit(path)
            # A token that is sent to another's server is theirs.
            if f"{parts.scheme}://{parts.netloc}" != self._origin:
                raise ClientError(f"This client talks to one app, {self._origin}: begin the path with a slash.")
        url = self._base + path if path.startswith("/") else path
        headers = dict(options.get("headers") or {})
        if self._tenant is not None:
            headers.setdefault("X-Tenant-ID", self._tenant)
        key = options.get("idempotency_key")
        for name, value in (("If-Match", options.get("if_match")), ("Idempotency-Key", key)):
            if value is not None:
                headers[name] = value
        content = options.get("content")
        if "json" in options:
            content = orjson.dumps(options["json"], _in_words)
            headers.setdefault("Content-Type", "application/json")
        params = pairs(options.get("params") or {}) or None
        again = method.upper() in ("GET", "HEAD") or key is not None
        # Passwords, codes and refresh tokens are in bodies, which a redirect would take along.
        stays = url.startswith(f"{self._base}/auth/")
        return Send(method, url, headers, params, content, timeout, again, stays)


def with_bearer(send: Send, secret: str | None) -> Send:
    """The request, and who is asking."""
    return send if secret is None else replace(send, headers={**send.headers, "Authorization": f"Bearer {secret}"})


def _in_words(value: object) -> str:
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError
