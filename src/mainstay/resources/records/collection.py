"""Rows for users' own code: the same policy, events and tenant as over REST, with Python values."""

from collections.abc import AsyncIterator
from typing import Any

from mainstay.base.context import Caller, require_caller
from mainstay.base.errors import BadRequest, FieldError, NotFound
from mainstay.base.page import Page
from mainstay.model.spec import RowView
from mainstay.resources.query import Filter, ListQuery
from mainstay.resources.query.filter import find_target
from mainstay.resources.query.page import Paging
from mainstay.resources.query.sort import read_sort
from mainstay.resources.records.commit import Change, commit
from mainstay.resources.records.resource_records import ResourceRecords

_STREAMED = 500


class Collection:
    """The rows of one resource, on behalf of the caller of the work in progress.

        books = app.records(Book)
        page = await books.list(status=Status.published, price__lte=20, author__name="Ada", sort="-price", limit=5)
        book = await books.require(page.items[0].id)

    Filters are named like query parameters with `__` for the dot; None means "is null". Rows are read-only RowViews.
    """

    def __init__(self, resource: ResourceRecords, caller: Caller | None = None) -> None:
        self._resource = resource
        self._caller = caller

    def acting_for(self, caller: Caller) -> "Collection":
        """The same rows on behalf of this caller, whoever is in context."""
        return Collection(self._resource, caller)

    async def list(
        self,
        *,
        sort: str | None = None,
        q: str | None = None,
        limit: int | None = None,
        after: str | None = None,
        before: str | None = None,
        **filters: Any,
    ) -> Page[RowView]:
        """One page, with cursors to the next and the previous."""
        paging = Paging(limit=limit or self._resource.spec.options.page_size, after=after, before=before)
        return await self._page(self._query(filters, sort, q, paging))

    async def stream(self, *, sort: str | None = None, q: str | None = None, **filters: Any) -> AsyncIterator[RowView]:
        """Every row, fetched page by page. A row whose sort values don't change while this runs comes once."""
        after = None
        while True:
            page = await self._page(self._query(filters, sort, q, Paging(limit=_STREAMED, after=after)))
            for each in page.items:
                yield each
            if page.next is None:
                return
            after = page.next

    async def get(self, key: Any) -> RowView | None:
        """The row with this key, or None where the caller sees none."""
        try:
            key = self._resource.spec.key.coerce(key)
        except ValueError:
            return None
        found = await self._page(self._query({self._resource.spec.key.name: key}, None, None, Paging(limit=1)))
        return found.items[0] if found.items else None

    async def require(self, key: Any) -> RowView:
        """The row with this key. Raises NotFound."""
        found = await self.get(key)
        if found is None:
            raise NotFound()
        return found

    async def count(self, **filters: Any) -> int:
        """How many rows the caller sees."""
        page = await self._page(self._query(filters, None, None, Paging(limit=1, count="exact")))
        return page.count or 0

    async def exists(self, **filters: Any) -> bool:
        """Whether the caller sees such a row."""
        return bool((await self._page(self._query(filters, None, None, Paging(limit=1)))).items)

    async def create(self, **values: Any) -> RowView:
        """Create a row. Raises Invalid, Conflict, Forbidden as over REST."""
        return await self._changed(self._resource.creation(self._who(), values))

    async def update(self, key: Any, *, if_version: int | None = None, **changes: Any) -> RowView:
        """Change fields of a row; with `if_version`, only if that is still its version."""
        if_match = None if if_version is None else frozenset({str(if_version)})
        return await self._changed(self._resource.alteration(self._who(), self._text(key), changes, if_match=if_match))

    async def delete(self, key: Any) -> None:
        """Delete a row."""
        await self._resource.delete(self._who(), self._text(key))

    async def _changed(self, change: Change) -> RowView:
        database = self._resource.database
        written = (await commit(database, self._who(), [change]))[0]
        masked = bool(change.writing.entry.access.field_read)
        if change.row is not None and not masked:
            return change.row
        found = await self.get(self._resource.parse_key(written.key))
        return found or RowView(self._resource.spec, {})

    async def _page(self, query: ListQuery) -> Page[RowView]:
        return await self._resource.views(self._who(), query)

    def _query(self, filters: dict[str, Any], sort: str | None, q: str | None, paging: Paging) -> ListQuery:
        reader = self._resource.reader
        order = read_sort(reader.spec, sort, reader.options) if sort else []
        made = sorted((self._filter(name, value) for name, value in filters.items()), key=lambda each: each.name)
        return reader.assemble(filters=tuple(made), search=q, order=order, paging=paging)

    def _filter(self, given: str, value: Any) -> Filter:
        name = given.replace("__", ".")
        if value is None:
            name, value = f"{name}.is", "null"
        reader = self._resource.reader
        target = find_target(reader.registry, reader.spec, name, reader.options.expand_depth)
        if target is None:
            sentence = f"{reader.spec.model.__name__} has nothing to filter by as {given!r}."
            raise BadRequest(sentence, code="unknown_parameter", errors=[FieldError((given,), "unknown", sentence)])
        if target.operator == "is":
            null = value in ("null", True)
            text = "null" if null else "notnull"
            return Filter(f"{target.name}:{text}", target.relations, target.field.name, "is", null, text)
        if target.operator in ("in", "nin"):
            value = [target.field.coerce(each) for each in value]
        elif target.operator == "has":
            value = target.field.values.parse(str(value))
        elif target.operator not in ("contains", "startswith", "endswith"):
            value = target.field.coerce(value)
        return Filter(target.name, target.relations, target.field.name, target.operator, value, str(value))

    def _text(self, key: Any) -> str:
        spec = self._resource.spec
        try:
            return str(spec.key.to_json(spec.key.coerce(key)))
        except ValueError:
            raise NotFound() from None

    def _who(self) -> Caller:
        return self._caller or require_caller()
