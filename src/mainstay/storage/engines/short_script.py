"""Scripts of a few quick statements, which may be begun anew: SQLite writes them on the event loop."""

from collections.abc import Callable, Generator
from typing import Any, Generic, TypeVar

from mainstay.storage.statement import Rows, Statement, Values

T = TypeVar("T")


class ShortScript(Generic[T]):
    """A script and how to make it once more. Looks like the generator it stands for.

    Its statements take microseconds each, through indexes, and it does nothing outside the database: where its
    transaction is given up, nothing is written and it runs again from its beginning (`begin_anew`).
    """

    def __init__(self, make: Callable[[], Generator[tuple[Statement, Values], Rows, T]]) -> None:
        self._make = make
        self._script = make()

    @property
    def gi_code(self) -> Any:
        """The generator's own, by which scripts are named."""
        return getattr(self._script, "gi_code", None)

    def begin_anew(self) -> None:
        """Forget how far it came."""
        self._script.close()
        self._script = self._make()

    def __iter__(self) -> "ShortScript[T]":
        return self

    def __next__(self) -> tuple[Statement, Values]:
        return next(self._script)

    def send(self, rows: Rows) -> tuple[Statement, Values]:
        return self._script.send(rows)

    def throw(self, error: BaseException) -> tuple[Statement, Values]:
        return self._script.throw(error)

    def close(self) -> None:
        self._script.close()
