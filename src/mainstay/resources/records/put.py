"""Putting a row where a key says: replaced if it is there, created if it isn't."""

from collections.abc import Callable, Mapping
from typing import Any

from mainstay.model.spec import RowView
from mainstay.resources.answers import Written
from mainstay.resources.records.context import Writing
from mainstay.resources.records.create import CreateRow
from mainstay.resources.records.update import UpdateRow
from mainstay.storage.statement import Rows, Script


class PutRow:
    """Which of the two it is shows when the row is looked at, before the transaction.

    `creating` gives the surroundings of the creation, or raises where the caller may create nothing.
    """

    outside = True
    single = False

    def __init__(
        self, update: UpdateRow, creating: Callable[[], Writing], data: Mapping[str, Any], *, records: Any = None
    ) -> None:
        self.writing, self.key = update.writing, update.key
        self._update, self._creating, self._data, self._records = update, creating, data, records
        self._inner: UpdateRow | CreateRow = update

    @property
    def action(self) -> str:
        return self._inner.action

    @property
    def values(self) -> dict[str, Any]:
        return self._inner.values

    @property
    def row(self) -> RowView | None:
        return self._inner.row

    async def prepare(self, current: Rows | None = None) -> None:
        """Decide, and prepare what was decided."""
        if current:
            self._inner = self._update
            await self._update.prepare(current if self._update.outside else None)
        else:
            self._inner = CreateRow(self._creating(), self._data, key=self.key, keep_key=True, records=self._records)
            await self._inner.prepare()

    def script(self) -> Script[Written]:
        """Write it."""
        return (yield from self._inner.script())
