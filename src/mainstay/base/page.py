"""A page of results, the same shape for rows, users and tenants."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Items in order, and the opaque cursors on either side (None at an end). `count` only when it was asked for."""

    items: list[T] = field(default_factory=list)
    next: str | None = None
    prev: str | None = None
    count: int | None = None

    def __iter__(self) -> Iterator[T]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)
