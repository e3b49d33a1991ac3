"""Scopes and roles: what there is to be allowed, and which role holds what."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from mainstay.base.actor import ADMIN

USER = "user"
MODERATOR = "moderator"
SYSTEM = "system"


class Sensitivity(StrEnum):
    """How much harm a scope in the wrong hands does."""

    low = "low"
    medium = "medium"
    high = "high"


@dataclass(frozen=True, slots=True)
class Scope:
    """One thing a session may be allowed to do."""

    name: str
    description: str
    category: str
    sensitivity: Sensitivity = Sensitivity.low


_BUILT_IN = (
    Scope("profile:read", "See your own profile", "profile"),
    Scope("profile:write", "Change your own profile", "profile", Sensitivity.medium),
    Scope("user:read", "See users", "users", Sensitivity.medium),
    Scope("user:write", "Create and change users", "users", Sensitivity.high),
    Scope("user:delete", "Delete users", "users", Sensitivity.high),
    Scope("admin:read", "See how the tenant is administered", "administration", Sensitivity.high),
    Scope("admin:write", "Administer the tenant", "administration", Sensitivity.high),
    Scope("system:read", "See the state of the system", "system", Sensitivity.high),
    Scope("system:write", "Change the state of the system", "system", Sensitivity.high),
    Scope("metrics:read", "See the figures of the whole app", "system", Sensitivity.high),
)
_OWN_PROFILE = frozenset({"profile:read", "profile:write"})


class Catalogue:
    """The scopes and roles of one app. Filled at start-up; roles it was never told of hold what `user` holds."""

    def __init__(self) -> None:
        self._scopes: dict[str, Scope] = {scope.name: scope for scope in _BUILT_IN}
        self._resources: set[str] = set()
        self._roles: dict[str, frozenset[str]] = {
            USER: frozenset(),
            MODERATOR: frozenset({"user:read"}),
            SYSTEM: frozenset({"system:read", "system:write", "metrics:read"}),
        }
        self._known: dict[frozenset[str], frozenset[str]] = {}

    def add_resource(self, name: str) -> None:
        """Register `<name>:read`, `<name>:write` and `<name>:delete`; every member holds them, rules decide on rows."""
        for verb, text, sensitivity in (
            ("read", f"Read {name}", Sensitivity.low),
            ("write", f"Create and change {name}", Sensitivity.medium),
            ("delete", f"Delete {name}", Sensitivity.medium),
        ):
            self.add_scope(Scope(f"{name}:{verb}", text, name, sensitivity))
            self._resources.add(f"{name}:{verb}")

    def add_scope(self, scope: Scope) -> None:
        self._scopes[scope.name] = scope
        self._known.clear()

    def add_role(self, name: str, scopes: Iterable[str] = ()) -> None:
        """Declare a role and the scopes it adds to those of `user`."""
        self._roles[name] = frozenset(scopes)
        self._known.clear()

    def list(self) -> Sequence[Scope]:
        """Every scope, by name."""
        return sorted(self._scopes.values(), key=lambda scope: scope.name)

    def named(self, names: Iterable[str]) -> Sequence[Scope]:
        """The scopes of these names that exist, by name."""
        return [self._scopes[name] for name in sorted(names) if name in self._scopes]

    def scopes_of(self, roles: frozenset[str]) -> frozenset[str]:
        """Everything that holding these roles allows."""
        known = self._known.get(roles)
        if known is None:
            known = frozenset(self._scopes) if ADMIN in roles else self._gather(roles)
            if len(self._known) > 1024:
                self._known.clear()
            self._known[roles] = known
        return known

    def _gather(self, roles: frozenset[str]) -> frozenset[str]:
        if not roles:
            return frozenset()
        return _OWN_PROFILE.union(self._resources, *(self._roles.get(role, frozenset()) for role in roles))
