"""The names under which a body carries the keys of linked rows."""

from functools import lru_cache

from mainstay.model.spec import RelationSpec, ResourceSpec


def ids_name(relation: RelationSpec) -> str:
    """The name under which a body carries the keys of linked rows: `tag_ids` for `tags`, `city_ids` for `cities`."""
    name = relation.name
    if name.endswith("ies") and len(name) > 4:
        return f"{name[:-3]}y_ids"
    return f"{name[:-1]}_ids" if name.endswith("s") and not name.endswith("ss") else f"{name}_ids"


@lru_cache(maxsize=1_024)
def link_names(spec: ResourceSpec) -> dict[str, RelationSpec]:
    """The relations that a body may set, by the name it uses. A field of that name wins."""
    found = {ids_name(relation): relation for relation in spec.relations.values() if relation.kind == "link"}
    return {name: relation for name, relation in found.items() if name not in spec.fields}
