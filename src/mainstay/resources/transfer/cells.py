"""CSV cells as JSON values: what a cell's text means depends on its field."""

import difflib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson

from mainstay.base.errors import ConfigurationError
from mainstay.model.spec import FieldSpec, ResourceSpec

Read = Callable[[str], Any]
ABSENT: Any = object()


def ignored(spec: ResourceSpec) -> frozenset[str]:
    """Names that a file may carry and that are not imported: what Mainstay stamps or works out itself."""
    kept = spec.writable("create")
    stamped = {name for name, field in spec.fields.items() if (field.system or field.owner) and field is not spec.key}
    return frozenset((stamped | set(spec.computed) | set(spec.counts)) - set(kept))


class Cells:
    """Reads the cells of one resource's tables."""

    def __init__(self, spec: ResourceSpec, columns: Sequence[str]) -> None:
        self._known = {spec.key.name: spec.key, **spec.writable("create")}
        self._readers = {name: _reader(field) for name, field in self._known.items()}
        self._empty = {name: _empty(field) for name, field in self._known.items()}
        for name in columns:
            if name not in self._known:
                self._readers[name], self._empty[name] = _json, ABSENT

    def check_columns(self, names: Mapping[str, Any], passed_over: frozenset[str]) -> None:
        """Raises ConfigurationError for a column that is no field: every row would be refused for it."""
        for name in names:
            if name not in self._readers and name not in passed_over:
                near = difflib.get_close_matches(name, self._readers, n=1)
                hint = f" Did you mean {near[0]}?" if near else ""
                raise ConfigurationError(
                    f"The column {name!r} is no field that can be imported.{hint}",
                    fix=f"Keep only these columns: {', '.join(self._readers)}.",
                )

    def values(self, cells: Mapping[str, str | None]) -> dict[str, Any]:
        """The row's values. Text that is no number, no JSON, … is left as it is, for validation to refuse."""
        found = {}
        for name, text in cells.items():
            value = self._empty[name] if text is None else self._readers[name](text)
            if value is not ABSENT:
                found[name] = value
        return found


def _empty(field: FieldSpec) -> Any:
    """What an empty cell means: null where the field can be null, else the default, else the empty text."""
    if field.nullable:
        return None
    if field.has_default or field.system:
        return ABSENT
    return "" if field.kind == "text" else None


def _reader(field: FieldSpec) -> Read:
    match field.kind:
        case "integer" | "float":
            return lambda text: _or_text(field.values.parse, text)
        case "boolean":
            return lambda text: {"true": True, "false": False}.get(text.lower(), text)
        case "json" | "list":
            return _json
    return str


def _json(text: str) -> Any:
    return _or_text(orjson.loads, text)


def _or_text(read: Read, text: str) -> Any:
    try:
        return read(text)
    except ValueError:
        return text
