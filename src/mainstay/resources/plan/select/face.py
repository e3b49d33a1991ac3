"""The face of a row: which columns are selected for it, and how a selected row becomes a JSON-ready object."""

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha1
from typing import Any

from sqlalchemy import ColumnElement, literal, null

from mainstay.model.spec import FieldSpec, RowView
from mainstay.resources.plan.select.lens import Lens
from mainstay.resources.plan.select.serialise import (
    FLAG,
    FRAGMENT,
    MOMENT,
    Converter,
    Rows,
    Shown,
    rows_to_objects,
    rows_to_values,
)
from mainstay.resources.plan.select.sources import LensOf, Source
from mainstay.resources.registry import Registry
from mainstay.storage.statement import result_converter
from mainstay.storage.types import JsonText, StoredType, UtcDateTime

Objects = Callable[[Rows], list[Any]]


class Face:
    """Columns of one SELECT, taken once each, and the functions over its rows.

    First ask for columns (`field`, `key`, `version`…), then `objects()`.
    """

    def __init__(
        self,
        registry: Registry,
        source: Source,
        lens_of: LensOf,
        dialect: Any,
        fields: Sequence[str] | None,
    ) -> None:
        self.source, self.spec, self.dialect = source, source.spec, dialect
        self.columns: list[ColumnElement[Any]] = []
        self._places: dict[str, int] = {}
        self.shown: list[Shown] = []
        self.computed = [each for name, each in self.spec.computed.items() if fields is None or name in fields]
        self.counts = [name for name in self.spec.counts if fields is None or name in fields]
        for name, field in self.spec.fields.items():
            if field.readable and (fields is None or name in fields):
                self._show(name, field)
        self._view: Callable[[tuple[Any, ...]], dict[str, Any]] | None = None
        if self.computed:
            self._view = self.values()
            self._gates()
            self.shown += [Shown(each.name, None) for each in self.computed]
        for name in self.counts:
            self._count(name, lens_of(registry.of(self.spec.counts[name].target).name))

    @property
    def plain(self) -> bool:
        """Whether a version and the list of fields say everything about the object: only then a tag needs no body."""
        return not self.computed and not self.counts and self.source.lens.masks.constant

    def tag(self) -> str:
        """What stands for this choice of fields in an entity tag."""
        told = [f"{each.name}{'' if each.column is not None else '-'}" for each in self.shown]
        return sha1(",".join(told).encode(), usedforsecurity=False).hexdigest()[:8]

    def field(self, name: str) -> int:
        """The place of a field as the caller sees it."""
        return self._take(f"field {name}", self.source.column(name))

    def stored(self, name: str) -> int:
        """The place of a field as it is stored, for keys and versions that are never shown as they are."""
        if not self.source.lens.masked(name):
            return self.field(name)
        return self._take(f"stored {name}", self.source.stored(name))

    def raw(self, column: Any) -> int:
        """The place of a column of the table, unmasked; shared with the field it belongs to."""
        for name, field in self.spec.fields.items():
            if field.column is column:
                return self.stored(name)
        return self._take(f"column {column.name}", self.source.table.c[column.key])

    def column(self, label: str, column: ColumnElement[Any]) -> int:
        """The place of any other column."""
        return self._take(label, column)

    def objects(self, relations: Iterable[str] = ()) -> Objects:
        """The function from rows to objects. Each relation gets an entry of its own, to be filled in afterwards."""
        made = rows_to_objects([*self.shown, *(Shown(name, None) for name in relations)], len(self.columns))
        if self._view is None:
            return made
        view, spec, computed, gates = self._view, self.spec, self.computed, self._gates()

        def with_computed(rows: Rows) -> list[dict[str, Any]]:
            found = made(rows)
            for row, each in zip(rows, found, strict=True):
                seen = RowView(spec, view(row))
                for entry in computed:
                    gate = gates[entry.name]
                    if gate is None or row[gate] is not None:
                        each[entry.name] = entry.to_json(entry.call(seen))
            return found

        return with_computed

    def values(self) -> Callable[[tuple[Any, ...]], dict[str, Any]]:
        """The function from a row to canonical values of every stored field, as the caller sees them."""
        return rows_to_values([(n, self.field(n), self.reader(f)) for n, f in self.spec.fields.items()])

    def views(self) -> Objects:
        """The function from rows to RowViews."""
        values, spec = self.values(), self.spec
        return lambda rows: [RowView(spec, values(row)) for row in rows]

    def _gates(self) -> dict[str, int | None]:
        """For computed fields under a mask: the place of a column that is NULL where the mask says no."""
        found: dict[str, int | None] = {}
        for each in self.computed:
            masked = self.source.lens.masked(each.name)
            gate = null() if self.source.lens.hides(each.name) else self.source.gated(each.name, literal(1))
            found[each.name] = self._take(f"gate {each.name}", gate) if masked else None
        return found

    def _count(self, name: str, lens: Lens) -> None:
        if self.source.lens.hides(name):
            self.shown.append(Shown(name, None))
            return
        counted = self.source.gated(name, self.source.count(self.spec.counts[name], lens))
        self.shown.append(Shown(name, self._take(f"count {name}", counted)))

    def _show(self, name: str, field: FieldSpec) -> None:
        if self.source.lens.hides(name):
            self.shown.append(Shown(name, None))
            return
        self.shown.append(Shown(name, self.field(name), self._converter(field), self.source.nullable(name)))

    def _converter(self, field: FieldSpec) -> Converter | str | None:
        kind = field.column.type
        if not isinstance(kind, StoredType):
            return field.to_wire(self.dialect.name)
        if self.dialect.name == "sqlite":
            if field.kind == "boolean":
                return FLAG
            if isinstance(kind, JsonText):
                # Written by us, compact and in one order: it is the answer as it lies there.
                return FRAGMENT
        elif isinstance(kind, UtcDateTime):
            return MOMENT
        return field.values.to_wire(self.dialect.name)

    def reader(self, field: FieldSpec) -> Converter | None:
        """The function from the field's raw value (never None) to its canonical one."""
        if isinstance(field.column.type, StoredType):
            return result_converter(field.column.type, self.dialect)
        # A type of SQLAlchemy's own: what it shows on the wire is what the field reads.
        show, accept = field.to_wire(self.dialect.name), field.values.accept
        return accept if show is None else lambda raw: accept(show(raw))

    def _take(self, label: str, column: ColumnElement[Any]) -> int:
        place = self._places.get(label)
        if place is None:
            place = self._places[label] = len(self.columns)
            self.columns.append(column)
        return place
