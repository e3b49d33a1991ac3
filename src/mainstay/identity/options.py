"""What can be set in the identity room. Values come from assembly; the environment is never read here."""

from dataclasses import dataclass, field

from mainstay.identity.api_keys.options import ApiKeyOptions
from mainstay.identity.keys.options import KeyOptions


@dataclass(frozen=True, slots=True)
class PasswordOptions:
    """Argon2id at OWASP's second recommended setting, and how much of it may wait at once.

    `queue` counts hashes running and waiting together; one more is refused with 503.
    """

    memory_kib: int = 19 * 1024
    passes: int = 2
    lanes: int = 1
    threads: int = 2
    queue: int = 32


@dataclass(frozen=True, slots=True)
class IdentityOptions:
    """Names and lifetimes of tokens and sessions, in seconds unless the name says days."""

    issuer: str = "mainstay"
    audience: str = "mainstay"
    # What tokens of a session name as their client (RFC 9068 §2.2): the app itself.
    client_id: str = "mainstay"
    access_seconds: int = 600
    # A session ends when nobody refreshed it for `idle_days`, and after `limit_days` in any case.
    idle_days: int = 30
    limit_days: int = 180
    # One that is not to be remembered ends with the browser, or after this long without use.
    unremembered_minutes: int = 480
    # Inside this window a refresh token that was already used gets the same successor again: a lost answer, two tabs.
    grace_seconds: int = 30
    # Workers' clocks may differ by this much; it never lengthens a token's life.
    skew_seconds: int = 5
    poll_seconds: float = 0.25
    # Without a successful poll for this long, no remembered token is believed.
    stale_seconds: float = 1.0
    remembered_tokens: int = 65_536
    passwords: PasswordOptions = PasswordOptions()
    api_keys: ApiKeyOptions = field(default_factory=ApiKeyOptions)
    keys: KeyOptions = field(default_factory=KeyOptions)
