"""The rows of one resource."""

from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any, Protocol, TypedDict, Unpack
from urllib.parse import quote
from uuid import UUID, uuid4

import httpx2

from mainstay.client.errors import ClientError
from mainstay.client.session import RequestOptions


class Row(dict[str, Any]):
    """A row as the server answered it. `etag` names its version; None in a list."""

    etag: str | None = None


class Page(TypedDict):
    """Some rows of a list, and the cursors of its neighbours."""

    items: list[Row]
    next: str | None
    prev: str | None


Named = str | UUID | Row


class Waiting(Protocol):
    """What a ResourceClient needs of its client."""

    def request(self, method: str, path: str, **options: Unpack[RequestOptions]) -> httpx2.Response: ...


class Awaiting(Protocol):
    """What an AsyncResourceClient needs of its client."""

    async def request(self, method: str, path: str, **options: Unpack[RequestOptions]) -> httpx2.Response: ...


class _Paths:
    def __init__(self, prefix: str, name: str) -> None:
        self._path = f"{prefix}/{quote(name, safe='')}"

    def _at(self, row: Named) -> str:
        id = str(row.get("id") or "") if isinstance(row, Row) else str(row)
        # `.` and `..` mean other paths, however they are encoded.
        if id in ("", ".", ".."):
            raise ClientError("Name the row by its id, or hand over a row.")
        return f"{self._path}/{quote(id, safe='')}"


def _page(found: dict[str, Any]) -> Page:
    return Page(items=[Row(each) for each in found["items"]], next=found["next"], prev=found["prev"])


def _row(answer: httpx2.Response) -> Row:
    row = Row(answer.json())
    row.etag = answer.headers.get("etag")
    return row


class _Writing(TypedDict):
    if_match: str | None
    idempotency_key: str | None


def _writing(row: Named | None, if_match: str | None, key: str | None) -> _Writing:
    if if_match is None and isinstance(row, Row):
        if_match = row.etag
    # With a key of its own, a request whose answer was lost is repeated and done once.
    return {"if_match": if_match, "idempotency_key": key or uuid4().hex}


_MERGE = {"Content-Type": "application/merge-patch+json"}


class ResourceClient(_Paths):
    """Rows of one resource, over a Client.

    Where a row that was answered is handed over, it is changed only if nobody else has since (Problem, 412).
    """

    def __init__(self, client: Waiting, prefix: str, name: str) -> None:
        super().__init__(prefix, name)
        self._client = client

    def page(self, **query: Any) -> Page:
        """One page. `price__lte=20`, `sort="-price"`, `tags__in=["a", "b"]`; docs/reference/rest.md has them all."""
        found = self._client.request("GET", self._path, params=query).json()
        return _page(found)

    def list(self, **query: Any) -> Iterator[Row]:
        """Every row, page by page."""
        while True:
            page = self.page(**query)
            yield from page["items"]
            if page["next"] is None:
                return
            query["after"] = page["next"]

    def get(self, id: Named, **query: Any) -> Row:
        return _row(self._client.request("GET", self._at(id), params=query))

    def create(self, body: Mapping[str, Any], *, idempotency_key: str | None = None) -> Row:
        return _row(self._client.request("POST", self._path, json=body, **_writing(None, None, idempotency_key)))

    def update(
        self, row: Named, changes: Mapping[str, Any], *, if_match: str | None = None, idempotency_key: str | None = None
    ) -> Row:
        """Change the fields that are sent (RFC 7396)."""
        writing = _writing(row, if_match, idempotency_key)
        return _row(self._client.request("PATCH", self._at(row), json=changes, headers=_MERGE, **writing))

    def replace(
        self, row: Named, body: Mapping[str, Any], *, if_match: str | None = None, idempotency_key: str | None = None
    ) -> Row:
        writing = _writing(row, if_match, idempotency_key)
        return _row(self._client.request("PUT", self._at(row), json=body, **writing))

    def delete(self, row: Named, *, if_match: str | None = None, idempotency_key: str | None = None) -> None:
        self._client.request("DELETE", self._at(row), **_writing(row, if_match, idempotency_key))


class AsyncResourceClient(_Paths):
    """Rows of one resource, over an AsyncClient; as ResourceClient."""

    def __init__(self, client: Awaiting, prefix: str, name: str) -> None:
        super().__init__(prefix, name)
        self._client = client

    async def page(self, **query: Any) -> Page:
        found = (await self._client.request("GET", self._path, params=query)).json()
        return _page(found)

    async def list(self, **query: Any) -> AsyncIterator[Row]:
        while True:
            page = await self.page(**query)
            for row in page["items"]:
                yield row
            if page["next"] is None:
                return
            query["after"] = page["next"]

    async def get(self, id: Named, **query: Any) -> Row:
        return _row(await self._client.request("GET", self._at(id), params=query))

    async def create(self, body: Mapping[str, Any], *, idempotency_key: str | None = None) -> Row:
        return _row(await self._client.request("POST", self._path, json=body, **_writing(None, None, idempotency_key)))

    async def update(
        self, row: Named, changes: Mapping[str, Any], *, if_match: str | None = None, idempotency_key: str | None = None
    ) -> Row:
        writing = _writing(row, if_match, idempotency_key)
        return _row(await self._client.request("PATCH", self._at(row), json=changes, headers=_MERGE, **writing))

    async def replace(
        self, row: Named, body: Mapping[str, Any], *, if_match: str | None = None, idempotency_key: str | None = None
    ) -> Row:
        writing = _writing(row, if_match, idempotency_key)
        return _row(await self._client.request("PUT", self._at(row), json=body, **writing))

    async def delete(self, row: Named, *, if_match: str | None = None, idempotency_key: str | None = None) -> None:
        await self._client.request("DELETE", self._at(row), **_writing(row, if_match, idempotency_key))
