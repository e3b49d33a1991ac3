"""Creating rows together: those that need nothing but their INSERT go to the database in one statement."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from sqlalchemy import ARRAY

from mainstay.base.events import Action
from mainstay.model.spec import ResourceSpec
from mainstay.resources.answers import Written
from mainstay.resources.plan.change.insert_many import MOST
from mainstay.resources.records.context import key_text, wire
from mainstay.resources.records.create import CreateRow
from mainstay.resources.records.echo import answer_change
from mainstay.storage.statement import Script


def together(changes: Sequence[Any]) -> Iterator[list[Any]]:
    """The changes in their order, in lists: of rows that can be created by one statement, or of one change."""
    fit: dict[int, bool] = {}

    def alike(change: Any) -> object:
        if not isinstance(change, CreateRow):
            return change
        kind = id(change.writing)
        if kind not in fit:
            fit[kind] = _fits(change.writing.spec)
        return (kind, tuple(change.values)) if fit[kind] and change.single else change

    for _, group in groupby(changes, alike):
        found = list(group)
        for start in range(0, len(found), MOST):
            yield found[start : start + MOST]


def _fits(spec: ResourceSpec) -> bool:
    # An array of arrays would come apart into the items of all of them.
    lists = any(isinstance(field.column.type, ARRAY) for field in spec.fields.values())
    # One by one a row may only refer to rows before it; in one statement it could refer to those after it too.
    own = any(key.column.table is spec.table for key in spec.table.foreign_keys)
    return not lists and not own


def create_together(changes: Sequence[CreateRow]) -> Script[list[Written]]:
    """Insert the rows of one list of `together`; answers what was written, in order."""
    first = changes[0]
    writing, spec, echo = first.writing, first.writing.spec, first.echo()
    planner = writing.planner
    plan = planner.insert_many(writing.entry, tuple(first.values), writing.query, writing.lens, echo)
    rows = [change.values for change in changes]
    notes = writing.note(Action.created, first.values[spec.key.name], 1, {})
    payload = plan.convert["outbox_payload"]
    notes["outbox_key"] = [key_text(spec, row[spec.key.name]) for row in rows]
    notes["outbox_payload"] = [payload({"row": wire(spec, row)}) for row in rows]
    found = yield plan.statement, plan.bind(rows, notes)
    written = []
    for change, row in zip(changes, found, strict=True):
        change.returned(row)
        written.append((yield from answer_change(writing, echo, row, change.values, change.seen, created=True)))
    return written
