"""Whose a value is: the tenant and the caller it was computed for, or everybody."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from mainstay.base.actor import ANONYMOUS, Actor
from mainstay.base.context import Caller, acting, current_caller, require_caller, unattended
from mainstay.base.errors import ConfigurationError

Shared = Literal["tenant", "everyone"] | None
EVERYONE = "*"


@dataclass(frozen=True, slots=True)
class Owner:
    """A tenant and an actor as texts. Two callers who may see different things must have different texts."""

    tenant: str
    actor: str


def whose_by_caller() -> Owner | None:
    """The caller in context. Raises what the caller's proof was refused with, and what `require_scope()` raises."""
    caller = current_caller()
    if caller is None:
        try:
            caller = require_caller()
        except ConfigurationError:
            return None
    return Owner(caller.require_scope().key, _actor_text(caller.actor))


@lru_cache(maxsize=1024)
def _actor_text(actor: Actor) -> str:
    # Rights are part of who it is: a session with fewer scopes, or a role that was taken away, has other entries.
    rights = (sorted(actor.roles), sorted(actor.scopes), actor.narrowed)
    return repr((actor.key, *rights))


def owner_text(owner: Owner | None, shared: Shared) -> tuple[str, str]:
    """The tenant and the actor that a key is bound to. Raises ConfigurationError where nobody is calling."""
    if shared == "everyone":
        return EVERYONE, EVERYONE
    if shared not in (None, "tenant"):
        raise ConfigurationError(
            f"shared={shared!r} says nothing.", fix='Write shared="tenant", shared="everyone", or leave it out.'
        )
    if owner is None or owner.tenant in ("", EVERYONE):
        raise ConfigurationError(
            "A cached value was asked for and nobody is calling, so it belongs to nobody.",
            fix='Ask within a request or a job, or say shared="everyone" where it is the same for the whole world.',
        )
    return owner.tenant, (EVERYONE if shared == "tenant" else owner.actor)


def on_behalf_of_all(shared: Shared) -> AbstractContextManager[object]:
    """The context in which a value is computed, so that what is shared is never made with one caller's rights.

    `tenant`: as an anonymous visitor of the caller's tenant. `everyone`: as nobody, so that rows are refused.
    """
    caller = current_caller()
    if shared is None or caller is None:
        return nullcontext()
    if shared == "everyone":
        return unattended()
    return acting(Caller(ANONYMOUS, caller.scope, caller.request_id))
