"""The tenant that the access token was made for."""

from dataclasses import dataclass

from mainstay.tenancy.resolve.resolver import Hints


@dataclass(frozen=True, slots=True)
class TokenClaim:
    """The tenant is the one the session was signed in to (claim `tid`)."""

    reads_header: bool = False

    def find(self, hints: Hints) -> str | None:
        return None if hints.token is None else str(hints.token)
