"""Scopes and roles: what there is to be allowed, and which role holds what."""

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from mainstay.base.actor import ADMIN
from mainstay.base.errors import ConfigurationError

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
    Scope("api_keys:read", "See your own API keys", "profile"),
    Scope("api_keys:write", "Make, rotate and revoke your own API keys", "profile", Sensitivity.high),
    Scope("user:read", "See users", "users", Sensitivity.medium),
    Scope("user:write", "Create and change users", "users", Sensitivity.high),
    Scope("user:delete", "Delete users", "users", Sensitivity.high),
    Scope("admin:read", "See how the tenant is administered", "administration", Sensitivity.high),
    Scope("admin:write", "Administer the tenant", "administration", Sensitivity.high),
    Scope("admin:impersonate", "Act as another user", "administration", Sensitivity.high),
    Scope("system:read", "See the state of the system", "system", Sensitivity.high),
    Scope("system:write", "Change the state of the system", "system", Sensitivity.high),
    Scope("metrics:read", "See the figures of the whole app", "system", Sensitivity.high),
)
_OWN_PROFILE = frozenset({"profile:read", "profile:write", "api_keys:read", "api_keys:write"})
_TAKEN = {scope.name.partition(":")[0] for scope in _BUILT_IN}
_role = re.compile(r"[a-z][a-z0-9_-]{0,39}")
# RFC 6749 §3.3 admits more; these can be told apart from the words around them.
_scope = re.compile(r"[a-z][a-z0-9_.-]{0,39}:[a-z][a-z0-9_.-]{0,39}")


@dataclass(frozen=True, slots=True)
class Role:
    """What the app says of a role: the scopes it adds to those that every member holds."""

    name: str
    scopes: frozenset[str]
    description: str = ""


class Catalogue:
    """The scopes and roles of one app. Filled at start-up; a role that it was never told of adds nothing."""

    def __init__(self) -> None:
        self._scopes: dict[str, Scope] = {scope.name: scope for scope in _BUILT_IN}
        self._resources: set[str] = set()
        self._roles: dict[str, Role] = {
            role.name: role
            for role in (
                Role(USER, frozenset(), "Every member"),
                Role(MODERATOR, frozenset({"user:read"}), "Looks after other members"),
                Role(ADMIN, frozenset(), "Holds every scope and passes every access rule"),
                Role(
                    SYSTEM,
                    frozenset({"system:read", "system:write", "metrics:read"}),
                    "Looks after the system, in the default tenant",
                ),
            )
        }
        self._known: dict[frozenset[str], frozenset[str]] = {}

    def add_resource(self, name: str) -> None:
        """Register `<name>:read`, `<name>:write` and `<name>:delete`; every member holds them, rules decide on rows.

        Raises ConfigurationError for a name whose scopes mean something else already.
        """
        if name in _TAKEN:
            raise ConfigurationError(
                f"A resource is served as {name!r}, and every member would hold {name}:read and {name}:write, which "
                "open other doors.",
                fix='Serve it under another name: __api__ = Options(name="...").',
            )
        for verb, text, sensitivity in (
            ("read", f"Read {name}", Sensitivity.low),
            ("write", f"Create and change {name}", Sensitivity.medium),
            ("delete", f"Delete {name}", Sensitivity.medium),
        ):
            self._put(Scope(f"{name}:{verb}", text, name, sensitivity))
            self._resources.add(f"{name}:{verb}")

    def add_scope(self, scope: Scope) -> None:
        """Declare a scope of the app's own. Raises ConfigurationError for one that is there, or is no name of one."""
        if _scope.fullmatch(scope.name) is None:
            raise ConfigurationError(
                f"{scope.name!r} is not a scope.", fix="Use lower case and a colon, as in reports:export."
            )
        if scope.name in self._scopes:
            raise ConfigurationError(f"There is a scope {scope.name} already.", fix="Give this one another name.")
        self._put(scope)

    def add_role(self, name: str, scopes: Iterable[str] = (), description: str = "") -> None:
        """Declare a role and the scopes it adds to those of `user`; `user`, `moderator` and `system` can be told anew.

        Raises ConfigurationError for a scope that nobody declared, for `admin`, and for what is no name of a role.
        """
        added = frozenset(scopes)
        if _role.fullmatch(name) is None:
            raise ConfigurationError(f"{name!r} is not a role.", fix="Use lower-case letters, digits, - and _.")
        if name == ADMIN:
            raise ConfigurationError(
                "The role admin holds every scope, and that cannot be changed.", fix="Declare a role of another name."
            )
        for scope in sorted(added):
            self.require(scope, f"The role {name} holds {scope}, which is no scope.")
        self._roles[name] = Role(name, added, description)
        self._known.clear()

    def name_role(self, name: str) -> None:
        """Make a role known that the app's rules speak of; it adds no scopes unless `add_role` says so."""
        self._roles.setdefault(name, Role(name, frozenset()))

    def _put(self, scope: Scope) -> None:
        self._scopes[scope.name] = scope
        self._known.clear()

    def require(self, scope: str, otherwise: str) -> None:
        """Raises ConfigurationError, saying `otherwise` and the nearest name, for a scope that nobody declared."""
        if scope not in self._scopes:
            near = difflib.get_close_matches(scope, self._scopes, n=1)
            hint = f"Did you mean {near[0]}?" if near else f'Declare it: app.scope("{scope}", "What it allows").'
            raise ConfigurationError(otherwise, fix=hint)

    def list(self) -> Sequence[Scope]:
        """Every scope, by name."""
        return sorted(self._scopes.values(), key=lambda scope: scope.name)

    def roles(self) -> Sequence[str]:
        """The names of every role, in order."""
        return sorted(self._roles)

    def role_list(self) -> Sequence[Role]:
        """Every role by name, with what it adds to `user`'s scopes; for `admin` that is everything."""
        everything = frozenset(self._scopes)
        return [
            Role(role.name, everything if role.name == ADMIN else role.scopes, role.description)
            for _, role in sorted(self._roles.items())
        ]

    def is_of_resource(self, name: str) -> bool:
        """Whether this is one of the scopes that come with a resource."""
        return name in self._resources

    def knows_role(self, name: str) -> bool:
        return name in self._roles

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
        named = (self._roles[role].scopes for role in (*roles, USER) if role in self._roles)
        return _OWN_PROFILE.union(self._resources, *named)
