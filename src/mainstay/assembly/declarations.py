"""What an app says of its people: roles, scopes, and the columns it adds to its users."""

from collections.abc import Callable, Iterable, Sequence
from typing import Literal

from mainstay.base.errors import ConfigurationError
from mainstay.identity.catalogue import Catalogue, Scope, Sensitivity
from mainstay.model.profile import UserProfile
from mainstay.resources import Registry

Fill = Callable[[Catalogue], None]


class People:
    """Roles, scopes and the profile, kept until the rooms are made; the order in which they were told doesn't count."""

    def __init__(self, user: type[UserProfile] | None = None) -> None:
        if user is not None and not (isinstance(user, type) and issubclass(user, UserProfile)):
            raise ConfigurationError(
                f"{user!r} is no profile, so users cannot have its columns.", fix="Derive it from mainstay.UserProfile."
            )
        self.profile = user
        self._scopes: list[Fill] = []
        self._roles: list[Fill] = []

    def scope(self, scope: Scope) -> None:
        self._scopes.append(lambda catalogue: catalogue.add_scope(scope))

    def role(self, name: str, scopes: Sequence[str], description: str) -> None:
        self._roles.append(lambda catalogue: catalogue.add_role(name, scopes, description))

    def fill(self, catalogue: Catalogue, registry: Registry) -> None:
        """Put it all into the catalogue, with every resource's scopes. Raises ConfigurationError."""
        for entry in registry:
            catalogue.add_resource(entry.name)
        for tell in (*self._scopes, *self._roles):
            tell(catalogue)
        # What a rule asks for is a role, whether or not anybody declared it.
        for entry in registry:
            access = entry.access
            rules = (access.read, access.create, access.update, access.delete)
            for rule in (*rules, *access.field_read.values(), *access.field_write.values()):
                for role in sorted(rule.roles):
                    catalogue.name_role(role)

    def models(self) -> list[type[UserProfile]]:
        """What is migrated with the app's own tables."""
        return [] if self.profile is None else [self.profile]


class Declaring:
    """`app.role(...)` and `app.scope(...)`, for the app's class."""

    _people: People

    def scope(
        self,
        name: str,
        description: str,
        *,
        category: str | None = None,
        sensitivity: Literal["low", "medium", "high"] = "medium",
    ) -> None:
        """Declare a scope of the app's own, `reports:export`; a role that names it gives it. Administrators hold all.

        `category` is the part before the colon unless told. Raises ConfigurationError once the app has started.
        """
        self._refuse_while_running(f"the scope {name} cannot be added")
        told = category or name.partition(":")[0]
        self._people.scope(Scope(name, description, told, Sensitivity(sensitivity)))
        self._forget()

    def role(self, name: str, *, scopes: Iterable[str] = (), description: str = "") -> None:
        """Declare a role and the scopes it adds to those that every member holds.

        `user`, `moderator` and `system` can be told anew. Raises ConfigurationError once the app has started; names
        are checked when it starts.
        """
        self._refuse_while_running(f"the role {name} cannot be added")
        self._people.role(name, tuple(scopes), description)
        self._forget()

    def _refuse_while_running(self, what: str) -> None:
        """Raises ConfigurationError once the app has started; the app's own."""

    def _forget(self) -> None:
        """Make the rooms anew when they are next asked for; the app's own."""
