"""The order of a list: what the caller asked for, then the resource's own, then the key, so that it is total."""

from collections.abc import Sequence

from mainstay.model.spec import ResourceSpec
from mainstay.resources.options import QueryOptions
from mainstay.resources.query.filter import Mistake
from mainstay.resources.query.nearest import nearest
from mainstay.resources.query.terms import Order


def read_sort(spec: ResourceSpec, text: str, options: QueryOptions) -> list[Order]:
    """The sort keys in `-created_at,title`. A later mention of the same field changes nothing. Raises Mistake."""
    given = options.names.sort
    keys: dict[str, Order] = {}
    for each in text.split(","):
        descending = each.startswith("-")
        name = each[1:] if descending else each
        field = spec.fields.get(name)
        if field is None or not field.sortable:
            hint = nearest(name, [f.name for f in spec.fields.values() if f.sortable])
            raise Mistake(given, "unknown_field", f"There is no field to sort by with this name{hint}")
        keys.setdefault(name, Order(name, descending))
    if len(keys) > options.sort_max:
        raise Mistake(given, "too_many", f"Sort by at most {options.sort_max} fields.")
    return list(keys.values())


def total_order(spec: ResourceSpec, asked: Sequence[Order], default: Sequence[Order]) -> tuple[Order, ...]:
    """The keys down to the first that no two rows share: the row's key, at the latest.

    The key goes the way of the last field, so that one index serves both.
    """
    keys = list(asked or default)
    for index, each in enumerate(keys):
        if each.field == spec.key.name:
            return tuple(keys[: index + 1])
    return (*keys, Order(spec.key.name, keys[-1].descending if keys else False))
