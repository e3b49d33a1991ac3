"""What one change works with: the resource, the caller, the plans, the clock."""

from dataclasses import dataclass
from typing import Any

from mainstay.access.policy import FieldRules, Folded, PreparedRule, evaluate
from mainstay.base.clock import Clock
from mainstay.base.context import Caller
from mainstay.base.errors import FieldError, Forbidden
from mainstay.base.events import Action
from mainstay.model.spec import ResourceSpec
from mainstay.resources.plan.change.write_planner import WritePlanner
from mainstay.resources.plan.select.lens import Lens, refusal, require_scope_for
from mainstay.resources.query import ListQuery
from mainstay.resources.registry import Registered
from mainstay.storage.outbox import Change as Note
from mainstay.storage.outbox import change_values


@dataclass(slots=True, eq=False)
class Writing:
    """The surroundings of a change. `rule` is that of the operation, folded for the caller."""

    planner: WritePlanner
    entry: Registered
    caller: Caller
    query: ListQuery
    clock: Clock
    prepared: PreparedRule
    rule: Folded
    lens: Lens

    @property
    def spec(self) -> ResourceSpec:
        return self.entry.spec

    def admits(self, row: dict[str, Any]) -> bool | None:
        """Whether the operation's rule holds for the row; None where only the database can tell."""
        return admits(self.prepared, self.rule, self.caller, row)

    def rule_values(self) -> dict[str, Any]:
        """The binds of the read rule, the masks and the operation's rule."""
        return {**self.lens.canonical(), **self.rule.binds(self.lens.prefix("rule"))}

    def note(self, action: Action, key: Any, version: int, payload: dict[str, Any]) -> dict[str, Any]:
        """The values of the change's outbox row."""
        values = change_values(Note(self.entry.name, action, key_text(self.spec, key), version, payload), self.caller)
        values["outbox_request_id"] = self.caller.request_id or None
        return values

    def check_masks(self, names: set[str], row: dict[str, Any]) -> None:
        """Raises Forbidden, naming the fields, where the caller may not set one of them in this row."""
        refused = self.unsettable(names, row)
        if refused:
            sentence = "You may not set this field."
            raise Forbidden(
                f"You may not set {', '.join(refused)}.",
                errors=[FieldError((n,), "forbidden", sentence) for n in refused],
            )

    def unsettable(self, names: set[str], row: dict[str, Any]) -> list[str]:
        """Those of the fields that the caller may not set in this row."""
        return self._masked(names, self.lens.writable, self.entry.access.field_write, row)

    def unreadable(self, names: set[str], row: dict[str, Any]) -> list[str]:
        """Those of the fields whose value in this row the caller is not shown."""
        never = [name for name in names if not self.spec.fields[name].readable]
        return never + self._masked(names, self.lens.masks, self.entry.access.field_read, row)

    def _masked(
        self, names: set[str], rules: FieldRules, prepared: dict[str, PreparedRule], row: dict[str, Any]
    ) -> list[str]:
        if not rules.hidden and not rules.conditional:
            return []
        found = sorted(names & rules.hidden)
        for name in sorted(names & set(rules.conditional)):
            if admits(prepared[name], rules.conditional[name], self.caller, row) is not True:
                found.append(name)
        return found


def writing(
    planner: WritePlanner,
    entry: Registered,
    caller: Caller,
    query: ListQuery,
    clock: Clock,
    operation: str,
    *,
    proving: bool = True,
) -> Writing:
    """The surroundings for create, update or delete; `proving` asks for the proof that the operation asks for.

    Raises what the caller is to be told where the operation is closed to them, whatever the row.
    """
    require_scope_for(entry, caller.actor, "delete" if operation == "delete" else "write")
    caller.require_scope()
    lens = planner.lenses.of(entry, caller.actor)
    prepared, rule = entry.access.rule(operation), lens.rule(operation)
    if rule.verdict is False:
        raise refusal(caller.actor, prepared)
    if proving and planner.registry.asks_proof:
        planner.step_up.require(entry, operation, caller.actor, query.touches)
    return Writing(planner, entry, caller, query, clock, prepared, rule, lens)


def admits(prepared: PreparedRule, rule: Folded, caller: Caller, row: dict[str, Any]) -> bool | None:
    """Whether a rule holds for a row; None where related rows, or columns the database fills, have to be asked."""
    if rule.verdict is not None:
        return rule.verdict
    if prepared.paths or not prepared.fields <= row.keys():
        return None
    return evaluate(prepared, caller.actor, row) is True


def key_text(spec: ResourceSpec, key: Any) -> str:
    """The key as it stands in a URL."""
    return str(spec.key.to_json(key))


def wire(spec: ResourceSpec, row: dict[str, Any]) -> dict[str, Any]:
    """A row's readable fields, JSON-ready: what subscribers of the change are told."""
    return {name: f.to_json(row[name]) for name, f in spec.fields.items() if f.readable and name in row}
