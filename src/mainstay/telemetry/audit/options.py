"""What an app may choose about its audit log; never read from the environment here."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AuditOptions:
    """`every`: changes of rows by all callers are audited, and not only those of administrators and impersonators.

    `kept_days`: entries older than this are pruned behind a sealed checkpoint; None keeps them all. `nobody_days`: how
    long the personal values of entries that are about nobody known (a sign-in with an unknown address) can be read.
    """

    every: bool = False
    kept_days: int | None = None
    nobody_days: int = 90
    # Seconds between looks, entries of one transaction, and seconds between tries to become the one who chains.
    interval: float = 0.25
    batch: int = 200
    standby: float = 1.0
    housekeeping: float = 3600.0
    # Of one kind, person and address in one window so many refusals are told one by one; the rest is counted. Of
    # all kinds together `window_keys` are kept apart; the others are counted by name alone.
    window: float = 60.0
    window_first: int = 3
    window_keys: int = 100
