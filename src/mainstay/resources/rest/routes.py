"""The ASGI app for everything below the prefix: names are looked up in dicts, and bytes are sent."""

from collections.abc import Awaitable, Callable
from urllib.parse import unquote_to_bytes

from starlette.types import Receive, Scope, Send

from mainstay.base.context import Caller, acting
from mainstay.base.errors import BadRequest, MethodNotAllowed, NotFound, Rejected
from mainstay.base.ports import Gate, Identify
from mainstay.resources.records import Records
from mainstay.resources.records.repeated import cursor_apart
from mainstay.resources.registry import Registry
from mainstay.resources.rest.batch import BatchRoutes
from mainstay.resources.rest.lane import Lane
from mainstay.resources.rest.options import RestOptions
from mainstay.resources.rest.related import RelatedRoutes
from mainstay.resources.rest.request import JSON, MERGE_PATCH, Header, Reply, Request
from mainstay.resources.rest.resource_routes import Again, ResourceRoutes

Handler = Callable[..., Awaitable[Reply]]


class Target:
    """What answers at one path: its methods, and the Allow header that says so."""

    __slots__ = ("again", "allow", "handlers", "template")

    def __init__(self, template: str, handlers: dict[str, Handler], again: Again | None = None) -> None:
        self.template = template
        self.handlers = handlers
        # Asked before GET's handler: how to do a repeated read, without waiting for anything.
        self.again = again
        names = [*handlers, *(["HEAD"] if "GET" in handlers else []), "OPTIONS"]
        self.allow = ", ".join(sorted(names))


class RestRoutes:
    """Every resource of a registry under `options.prefix`, and `/batch`.

    Raises base.Rejected for every refusal, before anything was sent. Puts the route's template and the caller into
    `scope["mainstay.route"]` and `scope["mainstay.caller"]` once they are known. `gate` is asked before any handler.
    """

    def __init__(
        self,
        registry: Registry,
        records: Records,
        identify: Identify,
        options: RestOptions | None = None,
        gate: Gate | None = None,
    ) -> None:
        self._options = options or RestOptions()
        self._identify = identify
        self._gate = gate
        self._prefix = self._options.prefix
        self._root = len(self._prefix) + 1
        self._after = registry.options.query.names.after.encode() + b"="
        self._collections: dict[str, Target] = {}
        self._items: dict[str, Target] = {}
        self._related: dict[str, dict[str, Target]] = {}
        self._links: dict[str, dict[str, Target]] = {}
        resources: dict[str, ResourceRoutes] = {}
        for name in registry.names:
            routes = resources[name] = ResourceRoutes(registry, records, name, self._options)
            related = RelatedRoutes(registry, records, name)
            path = f"{self._prefix}/{name}"
            item = f"{path}/{{id}}"
            page_again, get_again = routes.again()
            self._collections[name] = Target(path, routes.collection(), page_again)
            self._items[name] = Target(item, routes.item(), get_again)
            self._related[name] = {each: Target(f"{item}/{each}", found) for each, found in related.lists().items()}
            self._links[name] = {
                each: Target(f"{item}/{each}/{{other_id}}", found) for each, found in related.links().items()
            }
        self._batch = Target(f"{self._prefix}/batch", {"POST": BatchRoutes(records, resources, self._options).post})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        status, headers, body = await self.answer(scope, receive)
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

    async def answer(self, scope: Scope, receive: Receive) -> Reply:
        """Status, all headers, and the body, which an answer to HEAD leaves out."""
        target, arguments = self._find(scope)
        scope["mainstay.route"] = target.template
        request_id = scope.get("mainstay.request_id", "")
        identify, headers, method = self._identify, scope["headers"], scope["method"]
        caller = identify.recall(headers, request_id, method)
        if caller is None:
            try:
                caller = await identify.identify(headers, request_id, method)
            except Rejected:
                # Whoever guesses proofs is counted too.
                await self._admit(scope, None)
                raise
        scope["mainstay.caller"] = caller
        gate = self._gate
        if gate is not None and "mainstay.admitted" not in scope and not gate.admit_now(scope, caller):
            await gate.admit(scope, caller)
        request = Request(scope, receive, caller, self._options.limits)
        reply = self._again(request, target, arguments) if method == "GET" else None
        if reply is None:
            handler = target.handlers.get(method)
            if handler is None and method == "HEAD":
                handler = target.handlers.get("GET")
            if handler is None:
                if method == "OPTIONS":
                    return 204, _options(target), b""
                raise MethodNotAllowed(f"Allowed here: {target.allow}.", headers={"Allow": target.allow})
            with acting(caller):
                reply = await handler(request, *arguments)
            status, answer, body = reply
            if status != 304 and status != 204:
                answer.append((b"content-length", b"%d" % len(body)))
        return reply

    def lane(self, scope: Scope, caller: Caller) -> tuple[Lane, str] | None:
        """How a GET that this caller has sent before is answered, and what differs each time; None if unknown."""
        target, arguments = self._find(scope)
        found = None if target.again is None else target.again(caller, scope["query_string"], *arguments)
        return None if found is None else (Lane(target.template, caller.actor, caller.scope, found[0]), found[1])

    def cursor_apart(self, query: bytes) -> tuple[bytes, str | None]:
        """A query string up to its cursor, and the cursor, where it is the last parameter and plainly spelt."""
        return cursor_apart(query, self._after)

    def _again(self, request: Request, target: Target, arguments: tuple[str, ...]) -> Reply | None:
        caller = request.caller
        found = None if target.again is None else target.again(caller, request.query, *arguments)
        if found is None:
            return None
        return Lane(target.template, caller.actor, caller.scope, found[0]).reply(
            found[1], request.header(b"if-none-match")
        )

    async def _admit(self, scope: Scope, caller: Caller | None) -> None:
        if self._gate is not None and not self._gate.admit_now(scope, caller):
            await self._gate.admit(scope, caller)

    def _find(self, scope: Scope) -> tuple[Target, tuple[str, ...]]:
        """The target at the request's path, and the keys in that path. Raises NotFound."""
        path: str = scope["path"]
        root = scope.get("root_path", "")
        start = self._root + (len(root) if root and path.startswith(root) else 0)
        parts = path[start:].split("/")
        name, count = parts[0], len(parts)
        target: Target | None = None
        if count > 1 and b"%2f" in scope.get("raw_path", b"").lower():
            # A key may hold a slash: then the path must be split before it is decoded.
            parts = _raw_parts(scope, start)
            name, count = parts[0], len(parts)
        if count == 1:
            target = self._collections.get(name) or (self._batch if name == "batch" else None)
            if target is not None:
                return target, ()
        elif count == 2 and parts[1]:
            target = self._items.get(name)
            if target is not None:
                return target, (parts[1],)
        elif count == 3 and name in self._related:
            target = self._related[name].get(parts[2])
            if target is not None:
                return target, (parts[1],)
        elif count == 4 and name in self._links:
            target = self._links[name].get(parts[2])
            if target is not None:
                return target, (parts[1], parts[3])
        raise self._nothing(parts)

    def _nothing(self, parts: list[str]) -> NotFound:
        if parts[-1] == "" and len(parts) > 1:
            return NotFound("Nothing is at this path; leave out the slash at its end.")
        if parts[0] not in self._collections:
            return NotFound("There is no such resource.", code="unknown_resource")
        return NotFound("Nothing is at this path.")


def _raw_parts(scope: Scope, start: int) -> list[str]:
    raw = scope["raw_path"].partition(b"?")[0]
    try:
        decoded = [unquote_to_bytes(part).decode() for part in raw[start:].split(b"/")]
    except UnicodeDecodeError:
        raise BadRequest("The path is not UTF-8.") from None
    return decoded


def _options(target: Target) -> list[Header]:
    headers = [(b"allow", target.allow.encode()), (b"cache-control", b"no-store")]
    if "PATCH" in target.handlers:
        headers.append((b"accept-patch", f"{MERGE_PATCH}, {JSON}".encode()))
    return headers
