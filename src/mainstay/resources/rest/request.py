"""One request as the handlers see it, and the answer they give: bytes in, bytes out."""

from hashlib import blake2b
from typing import Any

from starlette.types import Receive, Scope

from mainstay.base.context import Caller
from mainstay.base.errors import BadRequest, MalformedBody, SignInRequired, UnknownParameter, UnsupportedMediaType
from mainstay.resources.changes import Once
from mainstay.web import BodyLimits, parse_json, read_body

JSON = "application/json"
MERGE_PATCH = "application/merge-patch+json"

Header = tuple[bytes, bytes]
Reply = tuple[int, list[Header], bytes]
"""Status, headers without Content-Length, body."""


class Request:
    """The parts of a request that generated routes look at."""

    __slots__ = ("_headers", "_receive", "body", "caller", "limits", "path", "query", "scope")

    def __init__(self, scope: Scope, receive: Receive, caller: Caller, limits: BodyLimits) -> None:
        self.scope = scope
        self.path: str = scope["path"]
        self.query: bytes = scope["query_string"]
        self.caller = caller
        self.limits = limits
        self.body = b""
        self._receive = receive
        self._headers: dict[bytes, bytes] | None = None

    def header(self, name: bytes) -> str | None:
        """The header's value, lines joined by a comma (RFC 9110 §5.3), or None."""
        headers = self._headers
        if headers is None:
            headers = self._headers = {}
            for key, value in self.scope["headers"]:
                headers[key] = headers[key] + b", " + value if key in headers else value
        found = headers.get(name)
        return None if found is None else found.decode("latin-1")

    @property
    def root(self) -> str:
        """What callers see in front of the app's own paths: where it is mounted, or a proxy has taken it off."""
        return str(self.scope.get("root_path", "")).rstrip("/")

    def prefers_minimal(self) -> bool:
        """Whether the caller asked for no body in the answer to a change (RFC 7240 §4.2)."""
        prefer = self.header(b"prefer")
        if prefer is None:
            return False
        # RFC 7240 §2: the first of several values of one preference counts.
        for each in prefer.replace(";", ",").split(","):
            name, _, value = each.partition("=")
            if name.strip().lower() == "return":
                return value.strip().strip('"').lower() == "minimal"
        return False

    async def json(self, *types: str) -> Any:
        """The body as JSON. Raises UnsupportedMediaType for another content type, MalformedBody for no JSON."""
        declared = self.header(b"content-type")
        media_type = JSON if declared is None else declared.partition(";")[0].strip().lower()
        if media_type not in types:
            raise UnsupportedMediaType(
                f"The body is {media_type!r}; send {' or '.join(types)}.", headers={"Accept": ", ".join(types)}
            )
        if self.header(b"content-encoding") not in (None, "identity"):
            raise UnsupportedMediaType("Compressed bodies are not read; send the JSON as it is.")
        self.body = await read_body(self.scope, self._receive, self.limits)
        if not self.body:
            raise MalformedBody("The body is empty; send a JSON value.")
        return parse_json(self.body)

    def refuse_query(self) -> None:
        """Raises UnknownParameter where a query string is given to an operation that takes none."""
        if self.query:
            raise UnknownParameter("This operation takes no parameters.")

    def once(self) -> Once | None:
        """The Idempotency-Key, bound to this route and these bytes. The body must have been read.

        Raises SignInRequired for an anonymous caller: strangers would share one another's answers.
        """
        key = self.idempotency_key()
        if key is None:
            return None
        if not self.caller.actor.signed_in:
            raise SignInRequired("An Idempotency-Key belongs to a caller; sign in to send one.")
        route = f"{self.scope['method']} {self.path}?{self.query.decode('latin-1')}"
        return Once(key, route, blake2b(self.body, digest_size=16).digest())

    def idempotency_key(self) -> str | None:
        """The Idempotency-Key, or None. Raises BadRequest for one that is empty, too long, or not printable ASCII."""
        key = self.header(b"idempotency-key")
        if key is None:
            return None
        key = key.strip()
        # The draft standard makes it a structured string, in quotes; most clients send it bare.
        if len(key) > 1 and key[0] == key[-1] == '"':
            key = key[1:-1]
        if not 1 <= len(key) <= 255 or not key.isascii() or not key.isprintable():
            raise BadRequest("Idempotency-Key has 1 to 255 printable ASCII characters.", code="bad_idempotency_key")
        return key
