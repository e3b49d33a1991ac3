"""What users write rules with: row, actor, anyone, signed_in, owner, role, scope."""

from mainstay.access.rules import ActorValue, Constant, HasRole, HasScope, IsOwner, RowPath, Rule, SignedIn
from mainstay.base.errors import ConfigurationError


class ActorAtom:
    """The caller: `actor.id`, and `actor.roles` or `actor.scopes` for use in `in_()`."""

    id = user_id = ActorValue("id")
    roles = ActorValue("roles")
    scopes = ActorValue("scopes")


row = RowPath()
actor = ActorAtom()
anyone: Rule = Constant(True)
signed_in: Rule = SignedIn()
owner: Rule = IsOwner()


def role(*names: str) -> Rule:
    """The caller holds at least one of these roles in the current tenant."""
    _named("role", names)
    return HasRole(frozenset(names))


def scope(*names: str) -> Rule:
    """The caller's session carries all of these scopes."""
    _named("scope", names)
    return HasScope(frozenset(names))


def _named(what: str, names: tuple[str, ...]) -> None:
    if not names or not all(isinstance(name, str) and name for name in names):
        raise ConfigurationError(f"{what}() names no {what}.", fix=f'Write {what}("name").')
