"""Which other resources a query looks at: their rules and scopes hold for it too."""

from collections.abc import Sequence

from mainstay.model.spec import ResourceSpec
from mainstay.resources.query.terms import Expand, Filter
from mainstay.resources.registry import Registry


def touched(
    registry: Registry,
    spec: ResourceSpec,
    filters: Sequence[Filter],
    fields: Sequence[str] | None,
    expand: Expand | None,
) -> tuple[str, ...]:
    """Names of the resources behind filters, counts and expansions, each once."""
    found: dict[str, None] = {}
    for each in filters:
        here = spec
        for name in each.relations:
            here = registry.of(here.relations[name].target).spec
            found[here.name] = None
    for name, relation in spec.counts.items():
        if fields is None or name in fields:
            found[registry.of(relation.target).name] = None
    for name, below in (expand or {}).items():
        target = registry.of(spec.relations[name].target)
        found[target.name] = None
        found.update(dict.fromkeys(touched(registry, target.spec, (), None, below)))
    return tuple(found)
