"""Expansions: which related rows are shown inside a row."""

from typing import Any

from mainstay.model.spec import ResourceSpec
from mainstay.resources.options import QueryOptions
from mainstay.resources.query.filter import Mistake
from mainstay.resources.query.nearest import nearest
from mainstay.resources.query.terms import Expand
from mainstay.resources.registry import Registry


def read_expand(registry: Registry, spec: ResourceSpec, text: str, options: QueryOptions) -> Expand:
    """The tree in `author,author.country`. Raises Mistake for an unknown relation, too many or too deep ones."""
    given = options.names.expand
    tree: dict[str, Any] = {}
    paths = text.split(",")
    if len(paths) > options.expand_max:
        raise Mistake(given, "too_many", f"Expand at most {options.expand_max} relations.")
    for path in paths:
        names = path.split(".")
        if len(names) > options.expand_depth:
            raise Mistake(given, "too_deep", f"Expand at most {options.expand_depth} relations deep.")
        branch, current = tree, spec
        for name in names:
            relation = current.relations.get(name)
            target = None if relation is None else registry.target(relation)
            if target is None:
                known = [each.name for each in current.relations.values() if registry.target(each) is not None]
                hint = nearest(name, known)
                raise Mistake(given, "unknown_relation", f"There is no relation with this name to expand{hint}")
            branch, current = branch.setdefault(name, {}), target.spec
    return tree


def expand_shape(tree: Expand | None) -> str:
    """The tree as text, the same for the same tree."""
    if not tree:
        return ""
    return ",".join(f"{name}({expand_shape(tree[name])})" for name in sorted(tree))
