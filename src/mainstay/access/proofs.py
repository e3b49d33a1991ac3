"""What users write for `Access(step_up=...)`: how lately, and by what, a caller has to have proved who they are."""

from collections.abc import Iterable

from mainstay.base.proof import STRONG, Proof


def recent(seconds: int, methods: Iterable[str] = ()) -> Proof:
    """A proof of so many seconds ago at most, by all of `methods` (RFC 8176: pwd, otp, hwk…) if any are named."""
    return Proof(seconds, frozenset(methods))


def second_factor(max_age: int = 300) -> Proof:
    """A second factor, shown within `max_age` seconds."""
    return recent(max_age, (STRONG,))
