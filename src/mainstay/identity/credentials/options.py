"""What can be set about passwords, and about attempts to guess them."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class PasswordOptions:
    """Argon2id at OWASP's second recommended setting, and how much of it may wait at once.

    `queue` counts hashes running and waiting together; one more waits `patience` seconds, and is refused with 503 if
    there is no place then. A password has at least
    `minimum` characters, never fewer than 8, and is at least `strength` hard to guess (zxcvbn, 0 to 4). `breached` is
    a file of breached passwords in place of the one that is shipped.
    """

    memory_kib: int = 19 * 1024
    passes: int = 2
    lanes: int = 1
    threads: int = 2
    queue: int = 32
    patience: float = 0.5
    minimum: int = 8
    strength: int = 2
    breached: Path | None = None


@dataclass(frozen=True, slots=True)
class Pace:
    """So many attempts are free; after that each waits twice as long as the one before, from `first` to `longest`
    seconds. All is forgotten `memory` seconds after the last attempt.
    """

    free: int
    first: float
    longest: float
    memory: float


@dataclass(frozen=True, slots=True)
class AttemptOptions:
    """How fast proofs may be tried and letters asked for: by one address for one account, by one address for all
    accounts, and for one account by all addresses that its user has not signed in from. A device on which the user has
    signed in within `known_days` has a pace of its own, whatever others do. Of all letters that strangers may ask for
    there are `letters_in_all` an hour.
    """

    proofs: Pace = Pace(10, 1.0, 900.0, 3600.0)
    proofs_of_address: Pace = Pace(60, 1.0, 300.0, 900.0)
    proofs_of_account: Pace = Pace(100, 1.0, 60.0, 3600.0)
    letters: Pace = Pace(3, 30.0, 3600.0, 21_600.0)
    letters_of_address: Pace = Pace(30, 10.0, 600.0, 3600.0)
    letters_of_account: Pace = Pace(10, 60.0, 3600.0, 21_600.0)
    known_days: int = 90
    proofs_of_device: Pace = Pace(10, 1.0, 900.0, 3600.0)
    letters_in_all: int = 20_000
