"""POST /batch: many operations in one transaction, all of them or none."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from mainstay.base.errors import FieldError, Invalid, MethodNotAllowed, NotFound, Rejected
from mainstay.resources.answers import Written
from mainstay.resources.changes import Action, Operation
from mainstay.resources.records import Records
from mainstay.resources.rest.answers import changed
from mainstay.resources.rest.errors import refused_at
from mainstay.resources.rest.options import RestOptions
from mainstay.resources.rest.request import JSON, Reply, Request
from mainstay.resources.rest.resource_routes import ResourceRoutes
from mainstay.web import matched_versions

_MEMBERS = frozenset({"method", "path", "body", "headers"})
_HEADERS = frozenset({"if-match"})


class BatchRoutes:
    """Reads the operations, hands them over as one change, and answers one result for each."""

    def __init__(self, records: Records, resources: Mapping[str, ResourceRoutes], options: RestOptions) -> None:
        self._records = records
        self._resources = resources
        self._options = options

    async def post(self, request: Request) -> Reply:
        request.refuse_query()
        given = await request.json(JSON)
        operations = self._operations(given, request.root)
        await self._count(request, given["operations"])
        once = request.once()
        try:
            results = await self._records.batch(request.caller, operations, once=once)
        except Rejected as error:
            index = error.extra.get("operation")
            if not isinstance(index, int):
                raise
            raise refused_at(error, "body", "operations", index, "body") from None
        told = zip(operations, results, strict=True)
        parts = [self._result(operation, written, request.root) for operation, written in told]
        body = b'{"results":[' + b",".join(parts) + b"]}"
        return changed(200, body, None, None, minimal=False)

    async def _count(self, request: Request, entries: Sequence[Mapping[str, Any]]) -> None:
        """Hold each operation to the limit of the route that it stands for. Raises TooManyRequests."""
        count = request.scope.get("mainstay.parts")
        if count is not None:
            root = request.root
            parts = [(entry["method"], self._template(_below(root, entry["path"]))) for entry in entries]
            await count(request.scope, request.caller, parts)

    def _template(self, path: str) -> str:
        parts = path.removeprefix(self._options.prefix)[1:].split("/")
        names = ("{id}" if place == 1 else "{other_id}" if place == 3 else part for place, part in enumerate(parts))
        return f"{self._options.prefix}/{'/'.join(names)}"

    def _operations(self, given: Any, root: str) -> list[Operation]:
        if not isinstance(given, dict) or set(given) != {"operations"} or not isinstance(given["operations"], list):
            raise _refuse(("body",), 'Send {"operations": [{"method": …, "path": …, "body": …}, …]}.')
        entries = given["operations"]
        if not 1 <= len(entries) <= self._options.batch:
            raise _refuse(("body", "operations"), f"Send 1 to {self._options.batch} operations.", code="count")
        return [self._operation(index, entry, root) for index, entry in enumerate(entries)]

    def _operation(self, index: int, entry: Any, root: str) -> Operation:
        at = ("body", "operations", index)
        if not isinstance(entry, dict):
            raise _refuse(at, "Send an object with method, path and body.")
        strange = sorted(set(entry) - _MEMBERS)
        if strange:
            raise _refuse((*at, strange[0]), "An operation has method, path, body and headers.", code="unknown")
        method, path, body = entry.get("method"), entry.get("path"), entry.get("body")
        if not isinstance(method, str):
            raise _refuse((*at, "method"), "Name the method: POST, PUT, PATCH or DELETE.")
        if not isinstance(path, str):
            raise _refuse((*at, "path"), "Name the path below the prefix, as in /books.")
        try:
            routes, action, keys = self._target(method, _below(root, path))
        except Rejected as error:
            error.extra["operation"] = index
            raise
        if action in ("delete", "link", "unlink"):
            if body is not None:
                raise _refuse((*at, "body"), f"{method} takes no body.")
        elif not isinstance(body, dict):
            raise _refuse((*at, "body"), "Send the row's values as an object.")
        return routes.operation(action, keys, body, matched_versions(self._if_match(at, entry.get("headers"))))

    def _target(self, method: str, path: str) -> tuple[ResourceRoutes, Action, tuple[str, ...]]:
        """Which resource's which operation stands at the path. Raises NotFound or MethodNotAllowed."""
        inner = path.removeprefix(self._options.prefix)
        parts = inner[1:].split("/") if inner.startswith("/") else [""]
        routes = self._resources.get(parts[0])
        actions = None if routes is None else routes.actions(parts[1:])
        if routes is None or actions is None:
            raise NotFound(f"Nothing that can be changed is at {path[:80]!r}.")
        action = actions.get(method)
        if action is None:
            allowed = ", ".join(sorted(actions))
            raise MethodNotAllowed(f"In a batch this path takes: {allowed or 'nothing'}.", headers={"Allow": "POST"})
        return routes, action, (parts[1], *parts[3:]) if len(parts) > 1 else ()

    def _if_match(self, at: tuple[str | int, ...], headers: Any) -> str | None:
        if headers is None:
            return None
        if not isinstance(headers, dict) or not all(isinstance(value, str) for value in headers.values()):
            raise _refuse((*at, "headers"), "Send headers as an object of strings.")
        strange = sorted(name for name in headers if name.lower() not in _HEADERS)
        if strange:
            raise _refuse((*at, "headers", strange[0]), "An operation in a batch takes the header If-Match.")
        return next(iter(headers.values()), None)

    def _result(self, operation: Operation, written: Written, root: str) -> bytes:
        status = {"create": 201, "delete": 204, "link": 204, "unlink": 204}.get(operation.action, 200)
        if written.created:
            status = 201
        headers: dict[str, str] = {}
        if status == 201:
            headers["Location"] = root + self._resources[operation.resource].location(written.key)
        if written.etag is not None and status != 204:
            headers["ETag"] = written.etag
        body = b"null" if written.body is None or status == 204 else written.body
        return b'{"status":%d,"headers":%b,"body":%b}' % (status, orjson.dumps(headers), body)


def _below(root: str, path: str) -> str:
    # A `Location` or a link, sent back as it was.
    return path.removeprefix(root) if path.startswith(root + "/") else path


def _refuse(loc: tuple[str | int, ...], sentence: str, code: str = "wrong_type") -> Invalid:
    extra = {"operation": loc[2]} if len(loc) > 2 else {}
    return Invalid(sentence, errors=[FieldError(loc, code, sentence)], extra=extra)
