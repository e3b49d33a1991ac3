"""Secrets that anybody could guess: what they look like, and the sentences that refuse them outside development."""

import json
from itertools import pairwise
from typing import Any
from urllib.parse import unquote, urlsplit

from mainstay.base.errors import ConfigurationError
from mainstay.base.secret import MINIMUM_BYTES, MasterKey, Secret

# What `.mainstay/secret` begins with, so that it is known again where it does not belong.
DEVELOPMENT = "development-"
MAKE_ONE = "Make one with: python -c 'import secrets; print(secrets.token_urlsafe(48))'"
_PLACEHOLDERS = ("changeme", "change-me", "change_me", "replaceme", "replace-me", "replace_me", "your-secret",
                 "your_secret", "yoursecret", "django-insecure", "insecure", "placeholder", "todo")  # fmt: skip
_PASSWORDS = frozenset(
    (
        *("postgres", "postgresql", "redis", "mainstay", "default", "dev", "development", "user", "app", "guest"),
        *("password", "passw0rd", "passwd", "pass", "secret", "admin", "administrator", "root", "test", "testing"),
        *("example", "changeme", "change-me", "qwerty", "1234", "12345", "123456", "12345678"),
    )
)


def master_key_of(secret: str, previous: tuple[str, ...]) -> MasterKey:
    """The master key, which still opens what the previous ones sealed. Raises ConfigurationError for a short one."""
    old = []
    for each in previous:
        if len(each.encode()) < MINIMUM_BYTES:
            raise ConfigurationError(
                f"MAINSTAY_SECRET_KEY_PREVIOUS holds a key of {len(each.encode())} bytes, and none had fewer than"
                f" {MINIMUM_BYTES}.",
                fix="Give the former MAINSTAY_SECRET_KEY as it was; several as a JSON list.",
            )
        old.append(MasterKey(Secret(each)))
    return MasterKey(Secret(secret), previous=old)


def refuse_weak_key(secret: str | None, environment: str) -> None:
    """Raises ConfigurationError for no master key, and for one that can be guessed or is known to others."""
    if secret is None:
        raise ConfigurationError(
            f"MAINSTAY_SECRET_KEY is not set, and {environment} does not make one up.", fix=MAKE_ONE
        )
    if secret.startswith(DEVELOPMENT):
        raise ConfigurationError(
            f"MAINSTAY_SECRET_KEY is the secret that development made for itself, and {environment} needs its own.",
            fix=f"{MAKE_ONE}. To keep the database, give the old one as MAINSTAY_SECRET_KEY_PREVIOUS and run"
            " `mainstay keys reseal`.",
        )
    if secret.lower().startswith(_PLACEHOLDERS):
        raise ConfigurationError("MAINSTAY_SECRET_KEY is a placeholder that everybody knows.", fix=MAKE_ONE)
    if _is_regular(secret):
        raise ConfigurationError(
            "MAINSTAY_SECRET_KEY repeats a few characters or counts them up, so it can be guessed.", fix=MAKE_ONE
        )


def refuse_default_password(name: str, url: str | None) -> None:
    """Raises ConfigurationError for an address whose password is its user's name, or one that is tried first."""
    password = _password(url)
    if password is None:
        return
    user = unquote(urlsplit(url or "").username or "")
    if not password or password.lower() in _PASSWORDS or password.lower() == user.lower():
        raise ConfigurationError(
            f"{name} holds a password that anybody would try first.",
            fix="Give the account a password of its own: python -c 'import secrets; print(secrets.token_urlsafe(24))'",
        )


def _password(url: str | None) -> str | None:
    try:
        found = urlsplit(url).password if url else None
    except ValueError:
        return None
    return None if found is None else unquote(found)


def _is_regular(secret: str) -> bool:
    if len(set(secret)) < MINIMUM_BYTES // 3:
        return True
    if any(secret == (secret[:period] * len(secret))[: len(secret)] for period in range(1, len(secret) // 2 + 1)):
        return True
    steps = [ord(after) - ord(before) for before, after in pairwise(secret)]
    return 2 * sum(abs(step) <= 1 for step in steps) > len(steps)


def several(given: Any) -> Any:
    """One text, or a JSON list of them, as pydantic takes it."""
    if not isinstance(given, str):
        return given
    text = given.strip()
    if not text.startswith("["):
        return (text,) if text else ()
    return tuple(json.loads(text))
