"""Which fields a caller may see and set: fixed for the request, or depending on the row."""

from dataclasses import dataclass

from mainstay.access.policy.fold import Folded, fold
from mainstay.access.policy.prepare import PreparedAccess, PreparedRule
from mainstay.base.actor import Actor


@dataclass(frozen=True, slots=True)
class FieldRules:
    """Masked fields for one caller. `hidden` ones are out for every row; `conditional` ones are asked of each row."""

    hidden: frozenset[str]
    conditional: dict[str, Folded]

    @property
    def free(self) -> bool:
        """No field is masked."""
        return not self.hidden and not self.conditional

    @property
    def constant(self) -> bool:
        """The same fields for every row of this request."""
        return not self.conditional


NO_MASKS = FieldRules(frozenset(), {})


def readable_fields(access: PreparedAccess, actor: Actor) -> FieldRules:
    """What the caller may read. A field that may not be read may not be filtered or sorted by either."""
    return _judge(access.field_read, actor) if access.field_read else NO_MASKS


def writable_fields(access: PreparedAccess, actor: Actor) -> FieldRules:
    """What the caller may set."""
    return _judge(access.field_write, actor) if access.field_write else NO_MASKS


def _judge(rules: dict[str, PreparedRule], actor: Actor) -> FieldRules:
    hidden = set()
    conditional = {}
    for name, rule in rules.items():
        folded = fold(rule, actor)
        if folded.verdict is False:
            hidden.add(name)
        elif folded.verdict is None:
            conditional[name] = folded
    return FieldRules(frozenset(hidden), conditional)
