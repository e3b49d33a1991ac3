"""Sparse fields: which of a row's fields are shown."""

from mainstay.model.spec import ResourceSpec
from mainstay.resources.options import QueryOptions
from mainstay.resources.query.filter import Mistake
from mainstay.resources.query.nearest import nearest


def shown_names(spec: ResourceSpec) -> tuple[str, ...]:
    """Every field of a row that may be shown, in the order of declaration: stored, computed, counted."""
    stored = [field.name for field in spec.fields.values() if field.readable]
    return (*stored, *spec.computed, *spec.counts)


def read_fields(spec: ResourceSpec, text: str, options: QueryOptions) -> tuple[str, ...]:
    """The fields in `id,title`, in the order of declaration. Raises Mistake for an unknown one."""
    known = shown_names(spec)
    asked = set()
    for name in text.split(","):
        if name not in known:
            hint = nearest(name, known)
            raise Mistake(options.names.fields, "unknown_field", f"There is no field with this name{hint}")
        asked.add(name)
    return tuple(name for name in known if name in asked)
