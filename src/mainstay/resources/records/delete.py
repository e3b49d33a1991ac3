"""Deleting a row, and the rows that go with it."""

from typing import Any

from mainstay.base.errors import PreconditionRequired
from mainstay.base.events import Action
from mainstay.model.spec import RowView, run_hooks
from mainstay.resources.answers import Written
from mainstay.resources.plan.change.writes import SEEN_VERSION
from mainstay.resources.plan.row import KEY
from mainstay.resources.records.cascade import delete_dependants
from mainstay.resources.records.context import Writing, key_text, wire
from mainstay.resources.records.update import Moved, judged
from mainstay.storage.statement import Rows, Script


class DeleteRow:
    """One row to be deleted. `prepare` first, then run `script` in a transaction; on Moved do both again."""

    action = "delete"

    def __init__(self, writing: Writing, key: Any, *, if_match: frozenset[str] | None = None) -> None:
        self.writing, self.key, self.if_match = writing, key, if_match
        self.row: RowView | None = None
        self.values: dict[str, Any] = {}
        self._seen: str | None = None
        # The row as it was looked at before the transaction, and its version.
        self._decided: tuple[dict[str, Any], str] | None = None

    @property
    def ahead(self) -> bool:
        """Whether it may be decided before the transaction: the version then holds the row to what was looked at."""
        return self.writing.spec.version_column is not None and not self.outside

    @property
    def single(self) -> bool:
        """Whether the script is one statement that nothing can follow."""
        writing = self.writing
        return self._decided is not None and not writing.planner.dependants(writing.entry, writing.caller.actor)

    @property
    def outside(self) -> bool:
        """Whether a hook of the user's has to run before the transaction."""
        return bool(self.writing.spec.hooks_for("before", "delete"))

    async def prepare(self, current: Rows | None = None) -> None:
        """Run the hooks on the row as it stands."""
        writing, spec = self.writing, self.writing.spec
        if spec.options.require_if_match and self.if_match is None:
            raise PreconditionRequired("Send If-Match with the ETag of the row you read.")
        self._decided = None
        if current is None:
            return
        before, version = judged(writing, writing.planner.current(writing), current, self.if_match)
        if not self.outside:
            self._decided = before, version
        else:
            self._seen = version
            await run_hooks(spec, "before", "delete", RowView(spec, before))

    def script(self) -> Script[Written]:
        """Look at the row, judge, delete it with everything that goes with it."""
        writing, spec = self.writing, self.writing.spec
        if self._decided is not None:
            before, version = self._decided
        else:
            plan = writing.planner.current(writing)
            rows = yield plan.statement, {**writing.rule_values(), KEY: self.key}
            before, version = judged(writing, plan, rows, self.if_match)
            if self._seen is not None and version != self._seen:
                raise Moved()
        yield from delete_dependants(writing, [before[spec.key.name]])
        seen = int(version) if spec.version_column is not None else 0
        note = writing.note(Action.deleted, self.key, seen, {"row": wire(spec, before)})
        rows = yield writing.planner.delete(writing.entry), {KEY: self.key, SEEN_VERSION: seen, **note}
        if not rows:
            raise Moved()
        self.row = RowView(spec, before)
        return Written(key_text(spec, self.key), None, None, version)
