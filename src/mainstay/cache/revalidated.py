"""HTTP caching of a route's answers: entity tags, 304, and headers that keep what is personal out of shared caches."""

from collections.abc import Iterable

from starlette.datastructures import MutableHeaders
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send
from xxhash import xxh3_128_hexdigest

from mainstay.base.errors import ConfigurationError, Rejected
from mainstay.web import if_none_match

# What tells callers apart: the token, a session's cookie, the tenant that is named.
VARY = ("Authorization", "Cookie", "X-Tenant-ID")


class Revalidated(Response):
    """A response that carries a strong ETag and is answered with 304 where the client holds it already (RFC 9110 §13).

    It is made after the route's dependencies and its function have run, so nobody is told 304 who would not be told
    200. An answer that sets a cookie is stored by nobody. Made by `revalidated(...)`.
    """

    cache_control = "private, no-cache"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it, or 304."""
        if self.status_code == 200 and scope["type"] == "http" and scope["method"] in ("GET", "HEAD"):
            if "set-cookie" in self.headers:
                # Whoever kept it would hand one visitor's cookie to the next.
                self.headers["cache-control"] = "no-store"
            else:
                await self._tagged(scope, receive, send)
                return
        await super().__call__(scope, receive, send)

    async def _tagged(self, scope: Scope, receive: Receive, send: Send) -> None:
        etag = self.headers.setdefault("etag", f'"{xxh3_128_hexdigest(self.body)}"')
        if "cache-control" not in self.headers:
            self.headers["cache-control"] = self.cache_control
        _vary(self.headers, VARY)
        asked = ", ".join(value.decode("latin-1") for name, value in scope["headers"] if name == b"if-none-match")
        if _holds(asked, etag):
            left_out = ("content-length", "content-type", "content-encoding")
            headers = {name: value for name, value in self.headers.items() if name not in left_out}
            await Response(status_code=304, headers=headers, background=self.background)(scope, receive, send)
            return
        await super().__call__(scope, receive, send)


def revalidated(
    *, max_age: int = 0, must_revalidate: bool = True, base: type[Response] = JSONResponse
) -> type[Response]:
    """A response class for `@app.get(..., response_class=revalidated())`.

    `max_age`: seconds for which a browser may use its copy without asking; 0: it always asks. Shared caches never
    keep it. `base` is the class that writes the body. Raises ConfigurationError for one that streams.
    """
    if not issubclass(base, Response) or issubclass(base, StreamingResponse | FileResponse):
        raise ConfigurationError(
            f"{base.__name__} has no body to make a tag of.", fix="Use a class that holds its body: JSONResponse."
        )
    if max_age < 0:
        raise ConfigurationError(f"max_age={max_age} lies in the past.", fix="Give seconds, or 0 to have it asked.")
    control = "private, no-cache" if max_age == 0 else f"private, max-age={max_age}"
    if max_age and must_revalidate:
        control += ", must-revalidate"
    made: type[Response] = type(f"Revalidated{base.__name__}", (Revalidated, base), {"cache_control": control})
    return made


def _holds(asked: str, etag: str) -> bool:
    try:
        return if_none_match(asked, etag)
    except Rejected:
        # A header that cannot be read is no reason to refuse what can be answered in full.
        return False


def _vary(headers: MutableHeaders, names: Iterable[str]) -> None:
    told = [name.strip() for name in headers.get("vary", "").split(",") if name.strip()]
    if "*" not in told:
        known = {name.lower() for name in told}
        headers["vary"] = ", ".join([*told, *(name for name in names if name.lower() not in known)])
