"""Rows that go with a deleted row: deleted one by one in name, so that each is told to the outbox."""

from typing import Any

from mainstay.base.events import Action
from mainstay.resources.plan.change.dependants import KEYS
from mainstay.resources.records.context import Writing, key_text, wire
from mainstay.storage.outbox import Change, many_statement, many_values
from mainstay.storage.statement import Script


def delete_dependants(writing: Writing, keys: list[Any], entry: Any = None) -> Script[None]:
    """Delete what points at rows with these keys and goes with them, what points at those first."""
    planner = writing.planner
    for each in planner.dependants(entry or writing.entry, writing.caller.actor):
        rows = yield each.find, {KEYS: keys}
        if not rows:
            continue
        spec = each.entry.spec
        stored = [each.values(row) for row in rows]
        below = [row[spec.key.name] for row in stored]
        yield from delete_dependants(writing, below, each.entry)
        yield each.remove, {KEYS: below}
        versions = [each.version(row) if spec.version_column is not None else "0" for row in rows]
        notes = [
            Change(
                each.entry.name,
                Action.deleted,
                key_text(spec, row[spec.key.name]),
                int(version),
                {"row": wire(spec, row)},
            )
            for row, version in zip(stored, versions, strict=True)
        ]
        yield many_statement(planner.dialect), many_values(notes)
