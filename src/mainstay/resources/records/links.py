"""Many-to-many relations as part of a change: `tag_ids` in a body, or one link made or taken away."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from mainstay.base.errors import Conflict, FieldError, Invalid
from mainstay.model.spec import RelationSpec, ResourceSpec, describe
from mainstay.resources.link_names import ids_name, link_names
from mainstay.resources.plan.change.links import HERE, KEYS
from mainstay.resources.records.context import Writing
from mainstay.storage.statement import Script

_MOST = 1_000


@dataclass(slots=True)
class LinkChange:
    """One relation's links: `set` makes them exactly these keys, `add` and `remove` change only these."""

    relation: RelationSpec
    keys: list[Any]
    mode: Literal["set", "add", "remove"] = "set"

    def script(self, writing: Writing, stored: dict[str, Any]) -> Script[bool]:
        """Whether anything changed. Raises Conflict naming keys that lead to no row the caller may see."""
        plans = writing.planner.links(writing, self.relation)
        target = writing.planner.registry.of(self.relation.target)
        # Which of the keys lead to a row is told.
        writing.planner.step_up.require(target, "read", writing.caller.actor)
        lens = writing.planner.lenses.of(target, writing.caller.actor)
        here = next(n for n, field in writing.spec.fields.items() if field.column is self.relation.local)
        values = {**lens.canonical(), HERE: stored[here], KEYS: self.keys}
        changed = False
        if self.mode != "remove" and self.keys:
            rows = yield plans.seen, values
            seen = {row[0] for row in plans.seen.read(rows)}
            missing = [index for index, key in enumerate(self.keys) if key not in seen]
            if missing:
                raise _missing(self, missing)
            rows = yield plans.add, values
            changed = bool(rows)
        if self.mode == "set":
            rows = yield plans.keep, values
        elif self.mode == "remove":
            rows = yield plans.remove, values
        return changed or (self.mode != "add" and bool(rows))


LinkChanges = dict[str, LinkChange]


def split_links(spec: ResourceSpec, data: Mapping[str, Any]) -> tuple[dict[str, Any], LinkChanges]:
    """The body without its lists of linked keys, and those lists. Raises Invalid for a list that is none."""
    names = link_names(spec)
    if names.keys().isdisjoint(data):
        return dict(data), {}
    rest = {name: value for name, value in data.items() if name not in names}
    return rest, {name: LinkChange(names[name], _keys(name, names[name], data[name])) for name in data if name in names}


def _keys(name: str, relation: RelationSpec, value: Any) -> list[Any]:
    if not isinstance(value, list) or len(value) > _MOST:
        raise Invalid(errors=[FieldError((name,), "type", f"Send a list of at most {_MOST} keys.")])
    errors, keys = [], []
    field = key_field(relation)
    for index, each in enumerate(value):
        try:
            keys.append(field.values.accept(each))
        except ValueError as refused:
            errors.append(FieldError((name, index), getattr(refused, "code", "value"), str(refused)))
    if errors:
        raise Invalid(errors=errors)
    return list(dict.fromkeys(keys))


def key_field(relation: RelationSpec) -> Any:
    """The key field of the resource that a relation leads to."""
    return describe(relation.target).key


def _missing(change: LinkChange, indexes: list[int]) -> Conflict:
    name = ids_name(change.relation)
    sentence = "There is no such row."
    errors = [FieldError((name, index), "reference_missing", sentence) for index in indexes]
    return Conflict(f"{name} names rows that do not exist.", code="reference_missing", errors=errors)
