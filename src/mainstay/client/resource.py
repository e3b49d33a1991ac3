"""The rows of one resource."""

from collections.abc import Mapping
from typing import Any, TypedDict, TypeVar
from urllib.parse import quote
from uuid import UUID, uuid4

from mainstay.client.errors import ClientError
from mainstay.client.face import Face, Listing, Operation
from mainstay.client.session import Session
from mainstay.client.steps import Flow, Portion
from mainstay.client.wire import RequestOptions

D = TypeVar("D")


class Row(dict[str, Any]):
    """A row as the server answered it. `etag` names its version; None in a list."""

    etag: str | None = None


class Page(TypedDict):
    """Some rows of a list, and the cursors of its neighbours."""

    items: list[Row]
    next: str | None
    prev: str | None


Named = str | UUID | Row
_MERGE = {"Content-Type": "application/merge-patch+json"}


class Rows(Face[D]):
    """Rows of one resource.

    Where a row that was answered is handed over, it is changed only if nobody else has since (Problem, 412).
    """

    def __init__(self, driver: D, session: Session, name: str) -> None:
        super().__init__(driver, session)
        self._path = f"{session.prefix}/{quote(name, safe='')}"

    @Operation
    def page(self, /, **query: Any) -> Flow[Page]:
        """One page. `price__lte=20`, `sort="-price"`, `tags__in=["a", "b"]`; docs/reference/rest.md has them all."""
        return self._page(query)

    @Listing
    def list(self, /, **query: Any) -> Flow[Portion[Row]]:
        """Every row, page by page."""
        return self._portion(query)

    @Operation
    def get(self, /, id: Named, **query: Any) -> Flow[Row]:
        return self._row("GET", self._at(id), {"params": query})

    @Operation
    def create(self, body: Mapping[str, Any], *, idempotency_key: str | None = None) -> Flow[Row]:
        return self._row("POST", self._path, _once({"json": body}, idempotency_key))

    @Operation
    def update(
        self, row: Named, changes: Mapping[str, Any], *, if_match: str | None = None, idempotency_key: str | None = None
    ) -> Flow[Row]:
        """Change the fields that are sent (RFC 7396)."""
        sent: RequestOptions = {"json": changes, "headers": _MERGE, "if_match": _version(row, if_match)}
        return self._row("PATCH", self._at(row), _once(sent, idempotency_key))

    @Operation
    def replace(
        self, row: Named, body: Mapping[str, Any], *, if_match: str | None = None, idempotency_key: str | None = None
    ) -> Flow[Row]:
        sent: RequestOptions = {"json": body, "if_match": _version(row, if_match)}
        return self._row("PUT", self._at(row), _once(sent, idempotency_key))

    @Operation
    def delete(self, row: Named, *, if_match: str | None = None, idempotency_key: str | None = None) -> Flow[None]:
        sent: RequestOptions = {"if_match": _version(row, if_match)}
        yield from self._session.request("DELETE", self._at(row), _once(sent, idempotency_key))

    def _at(self, row: Named) -> str:
        id = str(row.get("id") or "") if isinstance(row, Row) else str(row)
        # `.` and `..` mean other paths, however they are encoded.
        if id in ("", ".", ".."):
            raise ClientError("Name the row by its id, or hand over a row.")
        return f"{self._path}/{quote(id, safe='')}"

    def _row(self, method: str, path: str, options: RequestOptions) -> Flow[Row]:
        answer = yield from self._session.request(method, path, options)
        row = Row(answer.json())
        row.etag = answer.headers.get("etag")
        return row

    def _page(self, query: dict[str, Any]) -> Flow[Page]:
        found = (yield from self._session.request("GET", self._path, {"params": query})).json()
        return Page(items=[Row(each) for each in found["items"]], next=found["next"], prev=found["prev"])

    def _portion(self, query: dict[str, Any]) -> Flow[Portion[Row]]:
        page = yield from self._page(query)
        following = None if page["next"] is None else self._portion({**query, "after": page["next"]})
        return page["items"], following


def _version(row: Named, if_match: str | None) -> str | None:
    return row.etag if if_match is None and isinstance(row, Row) else if_match


def _once(options: RequestOptions, key: str | None) -> RequestOptions:
    """With a key of its own, a request whose answer was lost is repeated and done once."""
    return {**options, "idempotency_key": key or uuid4().hex}
