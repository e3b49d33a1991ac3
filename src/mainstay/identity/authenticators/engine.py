"""The engines of this area, loaded when first used: a server whose users have none of it does not pay for it."""

from importlib import import_module
from importlib.util import find_spec
from typing import Any, Literal

from mainstay.identity.authenticators.errors import EngineMissing

Kind = Literal["totp", "passkeys"]
_NEEDS = {"totp": ("pyotp", "segno"), "passkeys": ("webauthn",)}
_HOMES = {"totp": "totp_engine", "passkeys": "passkey_engine"}


def is_installed(kind: Kind) -> bool:
    """Whether `pip install 'mainstay[<kind>]'` was done."""
    return all(find_spec(name) is not None for name in _NEEDS[kind])


def engine(kind: Kind) -> Any:
    """The engine's module. Raises EngineMissing where its library is not installed."""
    if not is_installed(kind):
        # Whoever has such a factor is not let in without it.
        raise EngineMissing(fix=f"Some users have such a factor: pip install 'mainstay[{kind}]'.")
    return import_module(f"mainstay.identity.authenticators.{_HOMES[kind]}")
