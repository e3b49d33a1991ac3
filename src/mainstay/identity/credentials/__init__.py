"""Proofs that a user can give, and how fast they may be tried.

Alone, for an app that keeps its users itself:

    hashing = PasswordHashing(PasswordOptions())              # Argon2id, in threads of its own
    stored = await hashing.hash("correct horse battery")
    found = await hashing.verify(stored, "correct horse battery")
    assert found.right and not found.outdated                  # outdated: hash it again, the settings have changed
"""

from mainstay.identity.credentials.breached import open_list, pack
from mainstay.identity.credentials.hashing import Match, PasswordHashing
from mainstay.identity.credentials.options import AttemptOptions, Pace, PasswordOptions

__all__ = ["AttemptOptions", "Match", "Pace", "PasswordHashing", "PasswordOptions", "open_list", "pack"]
