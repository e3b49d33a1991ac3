"""Batches of rows with keys: created where they are new, left or changed where they are there already."""

from dataclasses import dataclass, field
from typing import Any

from mainstay.base.context import Caller
from mainstay.base.errors import Conflict, FieldError, Invalid, Rejected
from mainstay.resources.records import ResourceRecords
from mainstay.resources.transfer.refusals import Refusals
from mainstay.resources.transfer.stored import StoredRows

Numbered = list[tuple[int, dict[str, Any]]]
# Rows whose references are not there yet are held back until the end; beyond this many they are refused at once.
MOST_HELD_BACK = 200_000


@dataclass(slots=True)
class Bringing:
    """Brings rows into one resource as one caller, and counts what became of them."""

    rows: ResourceRecords
    caller: Caller
    stored: StoredRows
    refusals: Refusals
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    _waiting: list[tuple[tuple[int, dict[str, Any]], Rejected]] = field(default_factory=list)

    async def bring(self, rows: Numbered) -> None:
        """Create these rows, all in one transaction where none is refused.

        A batch that is refused is told apart: what validation refuses by the places it names, and the rest by halves.
        """
        if not rows:
            return
        try:
            await self.rows.create_many(self.caller, [values for _, values in rows], keep_keys=True)
        except Invalid as error:
            wrong = _by_index(error)
            if wrong:
                for index, reasons in wrong.items():
                    self.refusals.add(*rows[index], Invalid(errors=reasons))
                await self.bring([row for index, row in enumerate(rows) if index not in wrong])
            else:
                await self._halves(rows, error)
        except Conflict as error:
            there = await self._there(rows)
            if there:
                for row in rows:
                    key = self._key(row[1])
                    if key in there:
                        await self._compare(row, key, there[key])
                await self.bring([row for row in rows if self._key(row[1]) not in there])
            else:
                await self._halves(rows, error)
        else:
            self.created += len(rows)

    async def finish(self, batch: int) -> None:
        """Bring what was held back, as long as that brings anything; then refuse the rest."""
        before = -1
        while self._waiting and len(self._waiting) != before:
            before = len(self._waiting)
            held, self._waiting = self._waiting, []
            for start in range(0, before, batch):
                await self.bring([row for row, _ in held[start : start + batch]])
        for row, error in self._waiting:
            self.refusals.add(*row, _without_index(error))
        self._waiting = []

    async def _halves(self, rows: Numbered, error: Rejected) -> None:
        if len(rows) > 1:
            middle = len(rows) // 2
            await self.bring(rows[:middle])
            await self.bring(rows[middle:])
        elif error.problem_code == "reference_missing" and len(self._waiting) < MOST_HELD_BACK:
            # The row referred to may stand further down in the same file.
            self._waiting.append((rows[0], error))
        else:
            self.refusals.add(*rows[0], _without_index(error))

    async def _there(self, rows: Numbered) -> dict[str, dict[str, Any]]:
        """The rows that exist under these keys and that the caller may see, by key."""
        return await self.stored.by_key([key for _, values in rows if (key := self._key(values))])

    async def _compare(self, row: tuple[int, dict[str, Any]], key: str, there: dict[str, Any]) -> None:
        """Leave the row as it is where the file says the same; change what it says otherwise."""
        values = row[1]
        changes = {name: value for name, value in values.items() if not self._same(name, value, there)}
        if not changes:
            self.unchanged += 1
            return
        try:
            await self.rows.update(self.caller, key, changes)
        except Rejected as error:
            self.refusals.add(*row, error)
        else:
            self.updated += 1

    def _same(self, name: str, value: Any, there: dict[str, Any]) -> bool:
        described = self.rows.spec.fields.get(name)
        if name not in there:
            return False
        if described is None:
            # A list of linked keys: a set, whatever its order.
            return isinstance(value, list) and sorted(map(str, value)) == sorted(map(str, there[name]))
        try:
            return bool(described.accept(value) == described.coerce(there[name]))
        except ValueError:
            return False

    def _key(self, values: dict[str, Any]) -> str:
        """The row's key as it is shown; empty where the row has none."""
        key = self.rows.spec.key
        value = values.get(key.name)
        try:
            return "" if value is None else str(key.to_json(key.values.accept(value)))
        except ValueError:
            return ""


def _by_index(error: Invalid) -> dict[int, list[FieldError]]:
    """What is wrong with which row of the batch; empty where the refusal names none."""
    found: dict[int, list[FieldError]] = {}
    for each in error.errors:
        if not each.loc or not isinstance(each.loc[0], int):
            return {}
        found.setdefault(each.loc[0], []).append(FieldError(each.loc[1:], each.code, each.message))
    return found


def _without_index(error: Rejected) -> Rejected:
    error.errors = tuple(
        FieldError(each.loc[1:] if each.loc and isinstance(each.loc[0], int) else each.loc, each.code, each.message)
        for each in error.errors
    )
    return error
