"""Rows with attribute access: what computed fields, checks, hooks and users' own code see."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

from mainstay.model.types import Refused


class Described(Protocol):
    """What a row needs to know of its resource."""

    @property
    def model(self) -> type[Any]: ...

    def accept(self, name: str, value: Any) -> Any: ...


class RowView(Mapping[str, Any]):
    """One row: `row.title` and `row["title"]` alike, with the model's methods and computed fields. Read-only.

    Values are canonical Python values (Decimal, datetime, Enum members …).
    """

    __slots__ = ("_spec", "_values")

    def __init__(self, spec: Described, values: Mapping[str, Any]) -> None:
        object.__setattr__(self, "_spec", spec)
        object.__setattr__(self, "_values", dict(values))

    def __getattr__(self, name: str) -> Any:
        values = object.__getattribute__(self, "_values")
        if name in values:
            return values[name]
        model = object.__getattribute__(self, "_spec").model
        member = next((vars(owner)[name] for owner in model.__mro__ if name in vars(owner)), None)
        if member is None or _is_mapped(member):
            raise AttributeError(f"This {model.__name__} row holds no {name}; it has {', '.join(values)}.")
        # Computed fields, properties and methods work on a row as they do on an instance.
        bind: Callable[..., Any] | None = getattr(type(member), "__get__", None)
        return member if bind is None else bind(member, self, model)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError("A row that was read is not changed by assignment; use records.update().")

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"<{self._spec.model.__name__} {self._values!r}>"


class Draft(RowView):
    """A row about to be written. Assignments are checked like input; `changes` says what is to be stored."""

    __slots__ = ("_changes",)

    def __init__(self, spec: Described, values: Mapping[str, Any], changes: Mapping[str, Any] | None = None) -> None:
        super().__init__(spec, {**values, **(changes or {})})
        object.__setattr__(self, "_changes", dict(values if changes is None else changes))

    @property
    def changes(self) -> dict[str, Any]:
        """The values to be stored, by field."""
        return dict(self._changes)

    def __setattr__(self, name: str, value: Any) -> None:
        try:
            accepted = self._spec.accept(name, value)
        except Refused as refused:
            raise ValueError(f"{name}: {refused.message}") from refused
        self._values[name] = self._changes[name] = accepted

    __setitem__ = __setattr__


def _is_mapped(member: Any) -> bool:
    return hasattr(member, "property") and hasattr(member, "impl")
