"""Mainstay: declare resources as Python classes, get the backend your FastAPI app stands on.

Names are loaded when first asked for (PEP 562), so that one room can be used without the rest.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mainstay.access import (
        Access,
        Mask,
        actor,
        anyone,
        owner,
        recent,
        role,
        row,
        scope,
        second_factor,
        signed_in,
    )
    from mainstay.assembly import Mainstay, Settings, install, settings_of
    from mainstay.base.context import Caller, current_caller
    from mainstay.base.errors import (
        BadRequest,
        ConfigurationError,
        Conflict,
        FieldError,
        Forbidden,
        Invalid,
        MainstayError,
        NotFound,
        Rejected,
        SignInRequired,
        TooManyRequests,
        Unavailable,
    )
    from mainstay.cache import CurrentCache, cached, revalidated
    from mainstay.identity import (
        CurrentUser,
        current_user,
        require_any_scope,
        require_roles,
        require_scopes,
    )
    from mainstay.identity.factors import require_recent, require_second_factor
    from mainstay.identity.profiles import CurrentAccount, current_account
    from mainstay.limits import LimitsOptions, LimitState, limit_state, limited
    from mainstay.model import (
        Options,
        Resource,
        after,
        before,
        check,
        computed,
        count_of,
        field,
        link,
        owned,
        ref,
        within,
    )
    from mainstay.model.profile import UserProfile
    from mainstay.model.spec import RowView
    from mainstay.resources import ResourcesOptions

    __version__: str

_HOMES = {
    "mainstay.access": [
        "Access",
        "Mask",
        "actor",
        "anyone",
        "owner",
        "recent",
        "role",
        "row",
        "scope",
        "second_factor",
        "signed_in",
    ],
    "mainstay.assembly": ["Mainstay", "Settings", "install", "settings_of"],
    "mainstay.base.context": ["Caller", "current_caller"],
    "mainstay.base.errors": [
        "BadRequest",
        "ConfigurationError",
        "Conflict",
        "FieldError",
        "Forbidden",
        "Invalid",
        "MainstayError",
        "NotFound",
        "Rejected",
        "SignInRequired",
        "TooManyRequests",
        "Unavailable",
    ],
    "mainstay.cache": ["CurrentCache", "cached", "revalidated"],
    "mainstay.identity": ["CurrentUser", "current_user", "require_any_scope", "require_roles", "require_scopes"],
    "mainstay.identity.factors": ["require_recent", "require_second_factor"],
    "mainstay.identity.profiles": ["CurrentAccount", "current_account"],
    "mainstay.limits": ["LimitState", "LimitsOptions", "limit_state", "limited"],
    "mainstay.model": [
        "Options",
        "Resource",
        "after",
        "before",
        "check",
        "computed",
        "count_of",
        "field",
        "link",
        "owned",
        "ref",
        "within",
    ],
    "mainstay.model.profile": ["UserProfile"],
    "mainstay.model.spec": ["RowView"],
    "mainstay.resources": ["ResourcesOptions"],
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "Access",
    "BadRequest",
    "Caller",
    "ConfigurationError",
    "Conflict",
    "CurrentAccount",
    "CurrentCache",
    "CurrentUser",
    "FieldError",
    "Forbidden",
    "Invalid",
    "LimitState",
    "LimitsOptions",
    "Mainstay",
    "MainstayError",
    "Mask",
    "NotFound",
    "Options",
    "Rejected",
    "Resource",
    "ResourcesOptions",
    "RowView",
    "Settings",
    "SignInRequired",
    "TooManyRequests",
    "Unavailable",
    "UserProfile",
    "__version__",
    "actor",
    "after",
    "anyone",
    "before",
    "cached",
    "check",
    "computed",
    "count_of",
    "current_account",
    "current_caller",
    "current_user",
    "field",
    "install",
    "limit_state",
    "limited",
    "link",
    "owned",
    "owner",
    "recent",
    "ref",
    "require_any_scope",
    "require_recent",
    "require_roles",
    "require_scopes",
    "require_second_factor",
    "revalidated",
    "role",
    "row",
    "scope",
    "second_factor",
    "settings_of",
    "signed_in",
    "within",
]


def __getattr__(name: str) -> Any:
    home = _HOME_OF.get(name)
    if name == "__version__":
        value = import_module("importlib.metadata").version("mainstay")
    elif home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    else:
        value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__]
