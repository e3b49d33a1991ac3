"""What a query says, understood: filters, order, page, fields, expansions."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import orjson

Mode = Literal["cursor", "page", "offset"]
Count = Literal["none", "exact", "estimated"]
# dict[str, Expand]: the relations to show, each with the relations to show below it.
Expand = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Filter:
    """One condition. `name` is canonical: relations, field and operator, as in `author.name.eq`.

    `value` is a canonical Python value: a list for `in` and `nin`, a bool ("is null") for `is`.
    """

    name: str
    relations: tuple[str, ...]
    field: str
    operator: str
    value: Any
    text: str


@dataclass(frozen=True, slots=True)
class Order:
    """One sort key."""

    field: str
    descending: bool = False

    def __str__(self) -> str:
        return f"-{self.field}" if self.descending else self.field


@dataclass(frozen=True, slots=True)
class Under:
    """Rows related to one row: those that `relation` of `parent` leads to. `key` is the parent's, canonical."""

    parent: str
    relation: str
    key: Any


@dataclass(frozen=True, slots=True)
class ListQuery:
    """A query for rows of one resource (or for one row: then only `fields` and `expand` are set).

    `shape` is what a plan depends on and holds no value; `binding` is what a cursor is bound to.
    """

    resource: str
    shape: str
    binding: bytes
    filters: tuple[Filter, ...] = ()
    search: str | None = None
    order: tuple[Order, ...] = ()
    fields: tuple[str, ...] | None = None
    expand: Expand | None = None
    mode: Mode = "cursor"
    limit: int = 20
    after: str | None = None
    before: str | None = None
    page: int = 1
    offset: int = 0
    count: Count = "none"
    parent: Under | None = None
    touches: tuple[str, ...] = ()
    """The other resources whose rows the query looks at."""

    def under(self, parent: str, relation: str, key: Any) -> "ListQuery":
        """The same query over the rows that `relation` of one `parent` row leads to."""
        bound = orjson.dumps([parent, relation, str(key)])
        return replace(
            self,
            parent=Under(parent, relation, key),
            shape=f"{self.shape} under {parent}.{relation}",
            binding=self.binding + bound,
        )
