"""How lately, and by what, a caller must have proved who they are (RFC 9470): asked by routes and resources alike."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from mainstay.base.errors import ConfigurationError, Forbidden, Rejected, StepUpRequired

# RFC 8176: more than one factor was shown. Whoever starts a session with it has seen to that.
STRONG = "mfa"


class Prover(Protocol):
    """What is known of a caller's proof: an Actor has it, and so has a CurrentUser."""

    @property
    def session_id(self) -> UUID | None: ...
    @property
    def impersonator_id(self) -> UUID | None: ...
    @property
    def methods(self) -> frozenset[str]: ...
    @property
    def authenticated_at(self) -> datetime | None: ...


@dataclass(frozen=True, slots=True)
class Proof:
    """Given within `max_age` seconds, by all of `methods` (RFC 8176; `mfa` stands for any second factor)."""

    max_age: int
    methods: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if not isinstance(self.max_age, int) or isinstance(self.max_age, bool) or self.max_age < 1:
            raise ConfigurationError(
                f"A proof of lately is to be {self.max_age!r} old at most.", fix="Give whole seconds, one or more."
            )

    def __and__(self, other: "Proof | None") -> "Proof":
        """What satisfies both."""
        if other is None:
            return self
        return Proof(min(self.max_age, other.max_age), self.methods | other.methods)

    def lacking(self, who: Prover, now: datetime) -> Rejected | None:
        """What a signed-in caller is told who has not proved that; None for one who has.

        StepUpRequired (401) where proving helps. Forbidden (403) where it cannot: `session_required` for API keys and
        other programs, `impersonating` for an administrator who acts as somebody, and has not shown what they would.
        """
        if who.impersonator_id is not None:
            return Forbidden("You act as somebody else, and only they themselves may do this.", code="impersonating")
        if who.session_id is None:
            return Forbidden(
                "This asks for a proof of lately that it is you, which an API key cannot give: sign in.",
                code="session_required",
            )
        at = who.authenticated_at
        if at is None or at < now - timedelta(seconds=self.max_age) or not self.methods <= who.methods:
            return StepUpRequired(self.max_age, second_factor=STRONG in self.methods)
        return None

    def require(self, who: Prover, now: datetime) -> None:
        """Raises what `lacking` tells."""
        refused = self.lacking(who, now)
        if refused is not None:
            raise refused
