"""The generated operations of one resource: parse, call the records, answer."""

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote

from mainstay.base.context import Caller
from mainstay.base.errors import FieldError, Invalid, PreconditionRequired
from mainstay.resources.answers import Written
from mainstay.resources.changes import Action, Operation
from mainstay.resources.query import ListQuery
from mainstay.resources.records import Records
from mainstay.resources.records.repeated import Repeat
from mainstay.resources.registry import Registry
from mainstay.resources.rest.answers import changed, fresh, gone
from mainstay.resources.rest.errors import in_body
from mainstay.resources.rest.links import RowLinks, take_parameter
from mainstay.resources.rest.options import RestOptions
from mainstay.resources.rest.request import JSON, MERGE_PATCH, Reply, Request
from mainstay.web import matched_versions

Handler = Callable[..., Awaitable[Reply]]
Again = Callable[..., tuple[Repeat, str] | None]


class ResourceRoutes:
    """List, create, read, replace, change and delete rows of one resource."""

    def __init__(self, registry: Registry, records: Records, name: str, options: RestOptions) -> None:
        self._api = registry[name].spec.options
        self._records = records[name]
        self._name = name
        self._bulk = options.bulk
        self._path = f"{options.prefix}/{name}"
        self._links = RowLinks(registry, records, name, options.prefix)

    def collection(self) -> dict[str, Handler]:
        """The handlers of `/name` by method."""
        return self._served({"GET": ("list", self.page), "POST": ("create", self.create)})

    def item(self) -> dict[str, Handler]:
        """The handlers of `/name/{key}` by method."""
        return self._served(
            {
                "GET": ("get", self.get),
                "PUT": ("replace", self.replace),
                "PATCH": ("update", self.update),
                "DELETE": ("delete", self.delete),
            }
        )

    def again(self) -> tuple[Again | None, Again | None]:
        """How GET of the collection and of an item is done once more, given caller, query string and key."""
        hidden = self._api.hide
        return (None if "list" in hidden else self._page_again), (None if "get" in hidden else self._row_again)

    def _page_again(self, caller: Caller, query: bytes) -> tuple[Repeat, str] | None:
        return self._records.page_again(caller, query)

    def _row_again(self, caller: Caller, query: bytes, key: str) -> tuple[Repeat, str] | None:
        repeat = self._records.one_again(caller, query)
        return None if repeat is None else (repeat, key)

    def _served(self, handlers: dict[str, tuple[str, Handler]]) -> dict[str, Handler]:
        hidden = self._api.hide
        return {method: handler for method, (operation, handler) in handlers.items() if operation not in hidden}

    async def page(self, request: Request) -> Reply:
        query = self._records.read_query(request.query)
        caller = request.caller
        answer = self._records.page_now(caller, query, request.query)
        if answer is None:
            answer = await self._records.page(caller, query)
        return fresh(caller.actor, answer, request.header(b"if-none-match"))

    async def get(self, request: Request, key: str) -> Reply:
        asked, linked = take_parameter(request.query)
        query = self._records.read_query(asked, kind="one")
        caller = request.caller
        answer = self._records.one_now(caller, key, query, None if linked else request.query)
        if answer is None:
            answer = await self._records.one(caller, key, query)
        if linked:
            answer = await self._links.added(caller, key, answer, request.root)
        return fresh(caller.actor, answer, request.header(b"if-none-match"))

    async def create(self, request: Request) -> Reply:
        shape = self._shape(request)
        data = await request.json(JSON)
        once = request.once()
        minimal = request.prefers_minimal()
        with in_body():
            if isinstance(data, list):
                self._bounded(data)
                count = request.scope.get("mainstay.parts")
                if count is not None:
                    route = ("POST", request.scope["mainstay.route"])
                    await count(request.scope, request.caller, [route] * (len(data) - 1))
                rows = await self._records.create_many(request.caller, data, shape=shape, once=once)
                body = b"[" + b",".join([row.body or b"null" for row in rows]) + b"]"
                return changed(201, body, None, None, minimal=minimal)
            written = await self._records.create(request.caller, _object(data), shape=shape, once=once)
        return self._answer(request, 201, written, minimal)

    async def replace(self, request: Request, key: str) -> Reply:
        shape, if_match = self._shape(request), self._if_match(request)
        data = _object(await request.json(JSON))
        with in_body():
            written = await self._records.replace(
                request.caller, key, data, shape=shape, if_match=if_match, once=request.once()
            )
        return self._answer(request, 201 if written.created else 200, written, request.prefers_minimal())

    async def update(self, request: Request, key: str) -> Reply:
        shape, if_match = self._shape(request), self._if_match(request)
        patch = _object(await request.json(MERGE_PATCH, JSON))
        with in_body():
            written = await self._records.update(
                request.caller, key, patch, shape=shape, if_match=if_match, once=request.once()
            )
        return self._answer(request, 200, written, request.prefers_minimal())

    async def delete(self, request: Request, key: str) -> Reply:
        request.refuse_query()
        await self._records.delete(request.caller, key, if_match=self._if_match(request), once=request.once())
        return gone()

    def actions(self, parts: list[str]) -> dict[str, Action] | None:
        """What a batch may do below this resource's path, by method; None where nothing is."""
        if not parts:
            return {"POST": "create"} if "create" not in self._api.hide else {}
        if len(parts) == 1 and parts[0]:
            served: dict[str, Action] = {"PUT": "replace", "PATCH": "update", "DELETE": "delete"}
            return {method: action for method, action in served.items() if action not in self._api.hide}
        return None

    def operation(self, action: Action, keys: tuple[str, ...], body: Any, if_match: frozenset[str] | None) -> Operation:
        """One operation of a batch on this resource."""
        if if_match is None and action != "create" and self._api.require_if_match:
            raise PreconditionRequired("Send If-Match with the row's ETag.")
        return Operation(action, self._name, keys[0] if keys else None, body, if_match)

    def location(self, key: str) -> str:
        """The path of a row, below the app's root."""
        return f"{self._path}/{quote(key, safe='')}"

    def _answer(self, request: Request, status: int, written: Written, minimal: bool) -> Reply:
        location = request.root + self.location(written.key) if status == 201 else None
        return changed(status, written.body or b"", written.etag, location, minimal=minimal or written.body is None)

    def _shape(self, request: Request) -> ListQuery:
        return self._records.read_query(request.query, kind="write")

    def _if_match(self, request: Request) -> frozenset[str] | None:
        header = request.header(b"if-match")
        if header is None and self._api.require_if_match:
            raise PreconditionRequired("Send If-Match with the row's ETag.")
        return matched_versions(header)

    def _bounded(self, rows: list[Any]) -> None:
        if not 1 <= len(rows) <= self._bulk:
            sentence = f"Send 1 to {self._bulk} rows."
            raise Invalid(sentence, errors=[FieldError((), "count", sentence)])


def _object(data: Any) -> dict[str, Any]:
    if not isinstance(data, dict):
        sentence = "Send the row's values as an object."
        raise Invalid(sentence, errors=[FieldError(("body",), "wrong_type", sentence)])
    return data
