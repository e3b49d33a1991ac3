"""Rows as a file carries them: the key, the fields that clients may write, and the keys of linked rows."""

from collections.abc import AsyncIterator, Sequence
from typing import Any
from urllib.parse import quote

import orjson

from mainstay.base.context import Caller
from mainstay.model.spec import RelationSpec
from mainstay.resources.link_names import link_names
from mainstay.resources.records import Records

Row = dict[str, Any]


def stored_columns(records: Records, resource: str) -> list[str]:
    """The names in a file: enough to make the same rows again."""
    spec = records[resource].spec
    written = spec.writable("create")
    fields = [name for name, field in spec.fields.items() if field.readable and (name in written or field is spec.key)]
    return [*fields, *_links(records, resource)]


class StoredRows:
    """Reads rows of one resource in that form, as this caller."""

    def __init__(self, records: Records, caller: Caller, resource: str) -> None:
        self.columns = stored_columns(records, resource)
        self._records = records
        self._caller = caller
        self._resource = resource
        self._rows = records[resource]
        self._links = _links(records, resource)
        self._names = self._rows.options.names
        self._most = self._rows.spec.options.max_page_size
        fields = ",".join(name for name in self.columns if name not in self._links)
        self._shape = f"{self._names.fields}={quote(fields)}"
        if self._links:
            relations = ",".join(relation.name for relation in self._links.values())
            self._shape += f"&{self._names.expand}={quote(relations)}"

    async def pages(self) -> AsyncIterator[list[Row]]:
        """Every row, in keyset pages in the order of keys: one that is there throughout comes exactly once."""
        asked = f"{self._shape}&{self._names.sort}={self._rows.spec.key.name}&{self._names.limit}={self._most}"
        cursor: str | None = ""
        while cursor is not None:
            rows, cursor = await self._page(asked + (f"&{self._names.after}={cursor}" if cursor else ""))
            yield rows

    async def by_key(self, keys: Sequence[str]) -> dict[str, Row]:
        """The rows that are there under these keys, as far as the caller may see them."""
        key = self._rows.spec.key.name
        step = min(self._rows.options.in_max, self._most)
        found: dict[str, Row] = {}
        for start in range(0, len(keys), step):
            listed = ",".join('"' + each.replace('"', '""') + '"' for each in keys[start : start + step])
            rows, _ = await self._page(f"{self._shape}&{key}.in={quote(listed)}&{self._names.limit}={step}")
            found.update((str(row[key]), row) for row in rows)
        return found

    async def _page(self, asked: str) -> tuple[list[Row], str | None]:
        answer = await self._rows.page(self._caller, self._rows.read_query(asked.encode()))
        envelope = self._rows.options.envelope
        page = orjson.loads(answer.body)
        rows: list[Row] = page[envelope.items]
        for name, relation in self._links.items():
            for row in rows:
                row[name] = await self._keys(row, relation)
        return rows, page[envelope.next]

    async def _keys(self, row: Row, relation: RelationSpec) -> list[Any]:
        """The keys of the rows linked to this one, in order."""
        target = self._records[self._records.registry.of(relation.target).name]
        key, envelope = target.spec.key.name, target.options.envelope
        shown = row.pop(relation.name)
        found = [each[key] for each in shown["items"]]
        cursor = shown["next"]
        while cursor:
            query = target.read_query(f"{self._names.fields}={key}&{self._names.after}={cursor}".encode())
            above = self._rows.parse_key(str(row[self._rows.spec.key.name]))
            answer = await target.page(self._caller, query.under(self._resource, relation.name, above))
            page = orjson.loads(answer.body)
            found += [each[key] for each in page[envelope.items]]
            cursor = page[envelope.next]
        return sorted(found)


def _links(records: Records, resource: str) -> dict[str, RelationSpec]:
    registry = records.registry
    found = link_names(registry[resource].spec)
    return {name: relation for name, relation in found.items() if registry.target(relation) is not None}
