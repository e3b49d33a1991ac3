"""What can be set in the identity room. Values come from assembly; the environment is never read here."""

from dataclasses import dataclass, field
from typing import Literal

from mainstay.identity.credentials.options import AttemptOptions, PasswordOptions
from mainstay.identity.jose.foreign_issuer import ForeignIssuer
from mainstay.identity.signing.options import KeyOptions


@dataclass(frozen=True, slots=True)
class AccountOptions:
    """Who may sign in, and how long letters and graces last.

    `verified` demands that the address be confirmed before anybody signs in with it; without it an account can be used
    at once. `links` is where the pages are that letters lead to. `steady_seconds` is how long an answer takes at least
    that must not tell whether there is an account.
    """

    verified: bool = True
    links: str = "/auth"
    by_mail: bool = True
    verify_hours: int = 24
    reset_minutes: int = 60
    invite_hours: int = 7 * 24
    code_minutes: int = 10
    code_attempts: int = 5
    grace_days: int = 30
    steady_seconds: float = 0.15
    sweep_seconds: float = 600.0


@dataclass(frozen=True, slots=True)
class ApiKeyOptions:
    """How many keys one owner may have in a tenant, and lengths of time in seconds.

    `overlap` is how long the secret before a rotation stays good unless the caller says, `longest_overlap` the most
    that they may say. `looked_at_again` is how long a process believes a key without asking the database, and so how
    exact its last use is; revocations are heard within a second all the same.
    """

    most: int = 50
    overlap: int = 3600
    longest_overlap: int = 7 * 86_400
    looked_at_again: int = 600


@dataclass(frozen=True, slots=True)
class FactorOptions:
    """Which second factors there are, and who must have one.

    `title` is what authenticator apps and passkeys show. Passkeys are for `rp_id`, a domain, and are used by pages of
    `origins` alone; without one there are none. `verification` says whether a passkey as the second step asks for a PIN
    or a finger (as the only step it always does). `fresh_seconds` is how old a proof may be for what changes how an
    account is entered. Who holds a role of `required_for` can do nothing before they have a second factor.
    """

    totp: bool = True
    title: str = "Mainstay"
    rp_id: str | None = None
    origins: tuple[str, ...] = ()
    verification: Literal["required", "preferred", "discouraged"] = "preferred"
    fresh_seconds: int = 600
    # How long a sign-in waits for its second step, and how often one may be tried.
    ticket_seconds: int = 300
    attempts: int = 5
    enrol_seconds: int = 900
    recovery_codes: int = 10
    passkeys_most: int = 20
    required_for: frozenset[str] = frozenset()


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
    # `__Host-` cookies with Secure; without, for plain http on a developer's own machine.
    secure_cookies: bool = True
    # Inside this window a refresh token that was already used gets the same successor again: a lost answer, two tabs.
    grace_seconds: int = 30
    # Workers' clocks may differ by this much; it never lengthens a token's life.
    skew_seconds: int = 5
    poll_seconds: float = 0.25
    # Without a successful poll for this long, no remembered token is believed.
    stale_seconds: float = 1.0
    remembered_tokens: int = 65_536
    passwords: PasswordOptions = field(default_factory=PasswordOptions)
    attempts: AttemptOptions = field(default_factory=AttemptOptions)
    accounts: AccountOptions = AccountOptions()
    factors: FactorOptions = FactorOptions()
    trusted_proxies: tuple[str, ...] = ()
    api_keys: ApiKeyOptions = ApiKeyOptions()
    keys: KeyOptions = field(default_factory=KeyOptions)
    issuers: tuple[ForeignIssuer, ...] = ()
