"""What an application may set about its resources: parameter names, page sizes, bounds."""

from dataclasses import dataclass, field, fields


@dataclass(frozen=True, slots=True)
class ParameterNames:
    """The control parameters of a query string, by the names that callers use."""

    q: str = "q"
    sort: str = "sort"
    fields: str = "fields"
    expand: str = "expand"
    limit: str = "limit"
    after: str = "after"
    before: str = "before"
    page: str = "page"
    size: str = "size"
    offset: str = "offset"
    count: str = "count"

    def all(self) -> tuple[str, ...]:
        return tuple(getattr(self, each.name) for each in fields(self))


@dataclass(frozen=True, slots=True)
class Envelope:
    """The names in a list answer. Each of them may be changed; none may be left out."""

    items: str = "items"
    next: str = "next"
    prev: str = "prev"
    count: str = "count"
    page: str = "page"
    size: str = "size"
    total: str = "total"
    pages: str = "pages"
    has_next: str = "has_next"
    has_prev: str = "has_prev"


@dataclass(frozen=True, slots=True)
class QueryOptions:
    """What one query may ask for. Beyond a bound the answer is 400; nothing is silently cut."""

    names: ParameterNames = field(default_factory=ParameterNames)
    envelope: Envelope = field(default_factory=Envelope)
    search_max: int = 1_000
    """Characters of a full-text search: each word costs a look-up."""
    page_max: int = 1_000_000
    offset_max: int = 10_000_000
    sort_max: int = 8
    in_max: int = 100
    filters_max: int = 512
    expand_max: int = 12
    expand_depth: int = 3
    related_max: int = 100
    """Rows of one to-many relation that `expand` shows for one row; its `next` cursor leads to the others."""
    text_max: int = 65_536
    """Bytes of a query string."""
    estimate_max: int = 10_000
    """Up to here `count=estimated` is exact; above, it answers this number plus one."""


@dataclass(frozen=True, slots=True)
class ResourcesOptions:
    """Everything about generated resources that isn't said on the resource itself."""

    query: QueryOptions = field(default_factory=QueryOptions)
    plans: int = 512
    """Compiled plans that are kept, over all resources."""
