"""The whole query string: every mistake in it is collected, and nothing unknown is ignored."""

from collections.abc import Callable, Sequence
from typing import Literal, TypeVar

import orjson

from mainstay.base.errors import BadRequest, ConfigurationError, UnknownParameter
from mainstay.model.spec import ResourceSpec
from mainstay.resources.options import ParameterNames, QueryOptions
from mainstay.resources.query.expand import expand_shape, read_expand
from mainstay.resources.query.fields import read_fields
from mainstay.resources.query.filter import Mistake, Target, find_target, names_near, read_filter
from mainstay.resources.query.nearest import nearest
from mainstay.resources.query.page import Paging, read_paging
from mainstay.resources.query.sort import read_sort, total_order
from mainstay.resources.query.terms import Expand, Filter, ListQuery, Order
from mainstay.resources.query.text import pairs
from mainstay.resources.query.touches import touched
from mainstay.resources.registry import Registered, Registry

T = TypeVar("T")
MISTAKES = 50
Kind = Literal["list", "one", "write"]
_REMEMBERED, _REMEMBERED_BYTES = 512, 256
_ROW_ROLES = ("fields", "expand")


class QueryReader:
    """Reads the query strings of one resource."""

    def __init__(self, registry: Registry, entry: Registered) -> None:
        self.registry = registry
        self.entry = entry
        self.spec = entry.spec
        self.options: QueryOptions = registry.options.query
        self.default_order = _default_order(entry.spec, self.options)
        self.targets: dict[str, Target] = {}
        # What a text says does not depend on who sends it, so that common texts need to be read once only.
        self._read: dict[tuple[Kind, bytes], ListQuery] = {}

    def read(self, raw: bytes, *, kind: Kind = "list") -> ListQuery:
        """What this query string asks. For one row, and for the answer to a write, only `fields` and `expand` are
        known.

        Raises UnknownParameter or BadRequest with an `errors` entry for every mistake.
        """
        query = self._read.get((kind, raw))
        if query is None:
            query = _Reading(self, kind).read(raw)
            if len(raw) <= _REMEMBERED_BYTES and query.after is None and query.before is None:
                if len(self._read) >= _REMEMBERED:
                    self._read.clear()
                self._read[kind, raw] = query
        return query

    def assemble(
        self,
        *,
        kind: Kind = "list",
        filters: tuple[Filter, ...] = (),
        search: str | None = None,
        order: Sequence[Order] = (),
        fields: tuple[str, ...] | None = None,
        expand: Expand | None = None,
        paging: Paging | None = None,
    ) -> ListQuery:
        """A query with its shape and its cursor binding."""
        name = self.spec.name
        touches = touched(self.registry, self.spec, filters, fields, expand)
        shown = f"fields {'*' if fields is None else ','.join(fields)} expand {expand_shape(expand)}"
        if kind != "list":
            return ListQuery(name, shown, b"", fields=fields, expand=expand, touches=touches)
        paging = paging or Paging(limit=self.spec.options.page_size)
        keys = total_order(self.spec, order, self.default_order)
        sort = ",".join(map(str, keys))
        direction = "before" if paging.before is not None else "after" if paging.after is not None else "start"
        conditions = " ".join(each.name for each in filters)
        shape = (
            f"{shown} sort {sort} where {conditions} search {search is not None} "
            f"by {paging.mode} {direction} count {paging.count}{_wide(self.spec, paging)}"
        )
        binding = orjson.dumps([name, sort, [[each.name, each.text] for each in filters], search])
        return ListQuery(
            resource=name,
            shape=shape,
            binding=binding,
            filters=filters,
            search=search,
            order=keys,
            fields=fields,
            expand=expand,
            mode=paging.mode,
            limit=paging.limit,
            after=paging.after,
            before=paging.before,
            page=paging.page,
            offset=paging.offset,
            count=paging.count,
            touches=touches,
        )


def _wide(spec: ResourceSpec, paging: Paging) -> str:
    # Only the app's own code asks for more than a page: such a list is planned without the bound of pages.
    return " wide" if paging.limit > spec.options.max_page_size else ""


class _Reading:
    """One query string being read."""

    def __init__(self, reader: QueryReader, kind: Kind) -> None:
        self.reader = reader
        self.spec = reader.spec
        self.registry = reader.registry
        self.options = reader.options
        self.kind = kind
        self.mistakes: list[Mistake] = []
        self.controls: dict[str, str] = {}
        self.filters: dict[str, Filter] = {}

    def read(self, raw: bytes) -> ListQuery:
        spec, options = self.spec, self.options
        seen: set[str] = set()
        roles = roles_of(options.names, self.kind)
        for name, text in pairs(raw, options.text_max):
            if len(self.mistakes) >= MISTAKES:
                # A hint costs more than a parameter: thousands of mistakes must not hold up everybody else.
                break
            if name in seen:
                self._mistake(name, "duplicate", "Send this parameter once.")
                continue
            seen.add(name)
            role = roles.get(name)
            if role is not None:
                self.controls[role] = text
            elif self.kind == "list":
                self._filter(name, text)
            else:
                self._unknown(name)
        fields = self._try("fields", lambda text: read_fields(spec, text, options))
        expand = self._try("expand", lambda text: read_expand(self.registry, spec, text, options))
        order = self._try("sort", lambda text: read_sort(spec, text, options)) or []
        if "q" in self.controls and not spec.searchable:
            self._mistake(options.names.q, "not_searchable", "This resource has no searchable text.")
        if len(self.controls.get("q", "")) > options.search_max:
            self._mistake(options.names.q, "too_long", f"Search with at most {options.search_max} characters.")
        paging, wrong = read_paging(self.controls, options, spec.options.page_size, spec.options.max_page_size)
        self.mistakes += wrong
        if self.mistakes:
            raise _refusal(self.mistakes)
        return self.reader.assemble(
            kind=self.kind,
            filters=tuple(self.filters[name] for name in sorted(self.filters)),
            search=self.controls.get("q"),
            order=order,
            fields=fields,
            expand=expand,
            paging=paging,
        )

    def _try(self, role: str, read: Callable[[str], T]) -> T | None:
        try:
            return read(self.controls[role]) if role in self.controls else None
        except Mistake as mistake:
            self.mistakes.append(mistake)
            return None

    def _filter(self, name: str, text: str) -> None:
        target = self.reader.targets.get(name)
        if target is None:
            target = find_target(self.registry, self.spec, name, self.options.expand_depth)
            if target is None:
                self._unknown(name)
                return
            self.reader.targets[name] = target
        if target.name in {each.partition(":")[0] for each in self.filters}:
            self._mistake(name, "duplicate", "Send this filter once, with or without its operator.")
            return
        if len(self.filters) >= self.options.filters_max:
            self._mistake(name, "too_many", f"Send at most {self.options.filters_max} filters.")
            return
        try:
            found = read_filter(target, name, text, self.options)
        except Mistake as mistake:
            self.mistakes.append(mistake)
        else:
            self.filters[found.name] = found

    def _unknown(self, name: str) -> None:
        known = [*roles_of(self.options.names, self.kind)]
        if self.kind == "list":
            known += names_near(self.registry, self.spec, name)
        self._mistake(name, "unknown_parameter", f"There is no such parameter here{nearest(name, known)}")

    def _mistake(self, name: str, code: str, message: str) -> None:
        self.mistakes.append(Mistake(name[:200], code, message))


def roles_of(names: ParameterNames, kind: Kind) -> dict[str, str]:
    """The control parameters of a kind of request: name → role."""
    roles = ParameterNames.__slots__ if kind == "list" else _ROW_ROLES
    return {getattr(names, role): role for role in roles}


def _default_order(spec: ResourceSpec, options: QueryOptions) -> list[Order]:
    text = spec.options.default_sort
    if not text:
        return []
    try:
        return read_sort(spec, text, options)
    except Mistake as mistake:
        raise ConfigurationError(
            f"{spec.name} is sorted by {text!r}: {mistake}",
            fix="Name sortable fields in default_sort, as in -created_at.",
        ) from None


def _refusal(mistakes: list[Mistake]) -> BadRequest:
    errors = [mistake.error for mistake in mistakes]
    unknown = all(error.code == "unknown_parameter" for error in errors)
    first = errors[0]
    detail = f"{first.loc[1]}: {first.message}" if first.loc[1] else first.message
    if len(errors) > 1:
        detail = f"{detail} (and {len(errors) - 1} more)"
    return (UnknownParameter if unknown else BadRequest)(detail, errors=errors)
