"""The resources that are served, by name: their specification and their policy."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mainstay.access import Access
from mainstay.access.policy import PreparedAccess, prepare
from mainstay.base.errors import ConfigurationError
from mainstay.model.spec import RelationSpec, ResourceSpec, describe
from mainstay.resources.options import ResourcesOptions


@dataclass(frozen=True, slots=True)
class Registered:
    """One resource as it is served."""

    spec: ResourceSpec
    access: PreparedAccess

    @property
    def name(self) -> str:
        return self.spec.name


class Registry:
    """Every resource of an app. Names are those in URLs."""

    def __init__(self, options: ResourcesOptions | None = None) -> None:
        self.options = options or ResourcesOptions()
        self._entries: dict[str, Registered] = {}
        self._models: dict[type[Any], Registered] = {}
        # Whether any of them asks for a proof of lately: where none does, nobody looks.
        self.asks_proof = False

    def add(self, model: type[Any], access: Access | None = None) -> Registered:
        """Serve this mapped class, under its own `__access__` unless another is given.

        Raises ConfigurationError for a name that is taken.
        """
        spec = describe(model)
        if spec.name in self._entries and self._entries[spec.name].spec.model is not model:
            raise ConfigurationError(f"Two resources are named {spec.name!r}.", fix="Rename one of them in __api__.")
        entry = Registered(spec, prepare(access or getattr(model, "__access__", None), spec))
        self._entries[spec.name] = self._models[model] = entry
        self.asks_proof = self.asks_proof or bool(entry.access.proofs)
        return entry

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._entries)

    def __getitem__(self, name: str) -> Registered:
        return self._entries[name]

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __iter__(self) -> Iterator[Registered]:
        return iter(self._entries.values())

    def get(self, name: str) -> Registered | None:
        return self._entries.get(name)

    def of(self, model: type[Any]) -> Registered:
        """The entry of this class. Raises ConfigurationError where it is not served."""
        found = self._models.get(model)
        if found is None:
            raise ConfigurationError(
                f"{model.__name__} is not a resource of this app.",
                fix="Add it: Mainstay(resources=[...]) or app.expose().",
            )
        return found

    def target(self, relation: RelationSpec) -> Registered | None:
        """Where a relation leads; None where that class is not served."""
        return self._models.get(relation.target)

    def referring(self, entry: Registered) -> list[tuple[Registered, Any, bool]]:
        """Who points at this resource's rows: the resource, its column, and whether its rows go with the row."""
        found = []
        for other in self:
            for constraint in other.spec.table.foreign_key_constraints:
                if constraint.referred_table is not entry.spec.table:
                    continue
                for element in constraint.elements:
                    if element.column is entry.spec.key.column:
                        cascades = (constraint.ondelete or "").upper() == "CASCADE"
                        found.append((other, element.parent, cascades))
        return found
