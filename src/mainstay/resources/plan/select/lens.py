"""A caller's view of one resource: the rules of access with everything known about the caller folded in."""

from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from mainstay.access.policy import FieldRules, Folded, PreparedRule, fold, readable_fields, writable_fields
from mainstay.base.actor import Actor
from mainstay.base.errors import Forbidden, SignInRequired
from mainstay.resources.registry import Registered

# More than ten thousand tenants' members, so that each is not a stranger every time.
_KEPT = 16_384
# Reads that lenses remember: one lens, and all together (some 1 kB each).
_READS_EACH, _READS = 32, 32_768
Converter = Callable[[Any], Any]


@dataclass(slots=True, eq=False)
class Lens:
    """What one caller may read of a resource. Equal shapes mean equal SQL; only `values` differ."""

    entry: Registered
    actor: Actor
    read: Folded
    masks: FieldRules
    shape: str
    # The rules' values as the driver takes them, by bind name.
    values: dict[str, Any] = field(default_factory=dict)
    # By query string: what this caller has read before, bound already (records/repeated.py).
    repeated: dict[bytes, Any] = field(default_factory=dict, repr=False)
    repeated_beyond: dict[bytes, Any] = field(default_factory=dict, repr=False)
    repeated_rows: dict[bytes, Any] = field(default_factory=dict, repr=False)
    _rules: dict[str, Folded] = field(default_factory=dict)
    _writable: FieldRules | None = None

    def rule(self, operation: str) -> Folded:
        """The rule of create, update or delete, folded for the caller."""
        found = self._rules.get(operation)
        if found is None:
            found = self._rules[operation] = fold(self.entry.access.rule(operation), self.actor)
        return found

    @property
    def writable(self) -> FieldRules:
        """The fields that the caller may not set, or not in every row."""
        if self._writable is None:
            self._writable = writable_fields(self.entry.access, self.actor)
        return self._writable

    @property
    def nothing(self) -> bool:
        """No row is visible to this caller, whatever is in it."""
        return self.read.verdict is False

    def hides(self, name: str) -> bool:
        return name in self.masks.hidden

    def masked(self, name: str) -> bool:
        """Whether the field may be NULL for this caller where it is not NULL in the row."""
        return name in self.masks.hidden or name in self.masks.conditional

    def prefix(self, use: str) -> str:
        """The prefix of the binds of one rule: `read`, or the name of a masked field."""
        return f"{self.entry.name}__{use}"

    def canonical(self) -> dict[str, Any]:
        """Every rule's values, as Python has them, by bind name."""
        found = dict(self.read.binds(self.prefix("read")))
        for name, mask in self.masks.conditional.items():
            found.update(mask.binds(self.prefix(f"mask_{name}")))
        return found


class Lenses:
    """Makes lenses, and keeps those of recent callers.

    `convert(lens)` gives the converters of its binds: they depend on the lens's shape alone.
    """

    def __init__(self, convert: Callable[[Lens], dict[str, Converter]]) -> None:
        self._convert = convert
        self._converters: dict[tuple[str, str], dict[str, Converter]] = {}
        self._kept: OrderedDict[tuple[str, int], Lens] = OrderedDict()
        # Every read that any lens remembers, oldest first.
        self._repeated: deque[tuple[dict[bytes, Any], bytes]] = deque()

    def of(self, entry: Registered, actor: Actor) -> Lens:
        """The actor's view of the resource.

        A session brings the same Actor object with each of its requests, so the object is its own key; the lens
        holds on to it, which keeps its identity from being used again.
        """
        key = (entry.name, id(actor))
        lens = self._kept.get(key)
        if lens is None:
            lens = self._kept[key] = self._made(entry, actor)
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return lens

    def remember(self, reads: dict[bytes, Any], key: bytes, read: Any) -> None:
        """Keep a read among those of a lens; the oldest of all lenses makes room for it."""
        if key in reads:
            reads[key] = read
            return
        if len(reads) >= _READS_EACH:
            reads.clear()
        reads[key] = read
        self._repeated.append((reads, key))
        if len(self._repeated) > _READS:
            oldest, its_key = self._repeated.popleft()
            oldest.pop(its_key, None)

    def kept(self, name: str, actor: Actor) -> Lens | None:
        """The actor's view of the resource, if it was asked for before."""
        return self._kept.get((name, id(actor)))

    def _made(self, entry: Registered, actor: Actor) -> Lens:
        read, masks = fold(entry.access.read, actor), readable_fields(entry.access, actor)
        told = [read.shape, *sorted(masks.hidden), *(f"{n}={masks.conditional[n].shape}" for n in masks.conditional)]
        lens = Lens(entry, actor, read, masks, "; ".join(told))
        values = lens.canonical()
        if values:
            converters = self._converters.get((entry.name, lens.shape))
            if converters is None:
                converters = self._converters[entry.name, lens.shape] = self._convert(lens)
            for name, value in values.items():
                convert = converters.get(name)
                lens.values[name] = value if convert is None else convert(value)
        return lens


def require_scope_for(entry: Registered, actor: Actor, deed: str) -> None:
    """Raises Forbidden, naming the scope, for a session that asked for fewer scopes than this needs."""
    scope = f"{entry.name}:{deed}"
    if actor.narrowed and scope not in actor.scopes:
        raise Forbidden.missing_scopes(scope)


def refusal(actor: Actor, rule: PreparedRule | None = None) -> SignInRequired | Forbidden:
    """The refusal of a whole operation: signing in may help the one, and not the other.

    Names what is missing where `rule` asks for roles or scopes alone; what else is asked might tell about rows.
    """
    if not actor.signed_in:
        return SignInRequired()
    roles, scopes = (None, None) if rule is None else rule.lacking(actor)
    if roles:
        return Forbidden.missing_roles(*roles)
    return Forbidden.missing_scopes(*scopes) if scopes else Forbidden("Your roles do not allow this.")
