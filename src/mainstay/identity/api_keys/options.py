"""What can be set about API keys."""

from dataclasses import dataclass


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
