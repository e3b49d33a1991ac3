"""Proofs that a user can give: today, a password.

Alone, for an app that keeps its users itself:

    hashing = PasswordHashing(PasswordOptions())              # Argon2id, in threads of its own
    stored = await hashing.hash("correct horse battery")
    found = await hashing.verify(stored, "correct horse battery")
    assert found.right and not found.outdated                  # outdated: hash it again, the settings have changed
"""

from mainstay.identity.credentials.hashing import Match, PasswordHashing

__all__ = ["Match", "PasswordHashing"]
