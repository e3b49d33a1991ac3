"""A session's family of tokens, as numbers: which one is current, and what it means when another one is shown.

The model is written down in docs/decisions/0027-token-families.md.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Any

# Ever more tokens inside one window are no browser's doing.
MOST_PAST = 16
_MOST_LOST = 32
# A number and a moment in hexadecimal digits, so that a statement adds one and cuts one off without reading them.
_NUMBER, ENTRY = 8, 20


class Verdict(Enum):
    """What became of a token that was shown."""

    NEXT = "next"  # it was current: its successor is current now
    SAME = "same"  # it was current a moment ago: the current one is the answer
    INSTEAD = "instead"  # its successor went to nobody, as far as we know: another one takes its place
    STOLEN = "stolen"  # two parties hold this family
    UNKNOWN = "unknown"  # newer than anything we gave out: the database is an older copy of itself


Past = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Family:
    """Numbers and moments (milliseconds since 1970) only, so that it can be tested without a database.

    `parent` is the number whose successor is current. `seen` says that somebody has shown to hold the current one.
    `past` are the numbers that stopped being current last, and when, those of longer ago than a window among them;
    `lost` are numbers that another one took the place of, because nobody was seen with them.
    """

    current: int = 0
    parent: int | None = None
    seen: bool = True
    past: Past = ()
    lost: Past = ()

    def exchange(self, number: int, now: int, window: int) -> tuple["Family", Verdict]:
        """The family after `number` was shown to be exchanged for the current token."""
        if number == self.current:
            return self._after(number, now, window, self.lost), Verdict.NEXT
        if number > self.current:
            return self, Verdict.UNKNOWN
        if self._lately(number, now, window):
            return self, Verdict.SAME
        if number == self.parent and not self.seen:
            # Either its answer was lost, or a thief had it and has not used it. The successor that went out is void
            # from here on: whoever uses it after all shows that there are two of them.
            lost = (*self.lost, (self.current, now))[-_MOST_LOST:]
            family = self._after(number, now, window, lost)
            past = (*family.past, (self.current, now))[-MOST_PAST:]
            return Family(family.current, number, False, past, lost), Verdict.INSTEAD
        return self, Verdict.STOLEN

    def use(self, number: int, now: int, window: int) -> Verdict:
        """What to think of a token of this number that is used, not exchanged: a session cookie."""
        if number == self.current:
            return Verdict.NEXT
        if number > self.current:
            return Verdict.UNKNOWN
        if self._lately(number, now, window) or (number == self.parent and not self.seen):
            return Verdict.SAME
        return Verdict.STOLEN

    def vouches(self, number: int, now: int, window: int) -> bool:
        """Whether an access token given out beside this number holds: unless that answer was taken for lost."""
        return self._lately(number, now, window) or all(number != lost for lost, _ in self.lost)

    def _after(self, number: int, now: int, window: int, lost: Past) -> "Family":
        past = [entry for entry in self._within(now, window) if entry[0] != number]
        return Family(self.current + 1, number, False, tuple([*past, (number, now)][-MOST_PAST:]), lost)

    def _lately(self, number: int, now: int, window: int) -> bool:
        # A clock that was set back makes this longer, never shorter: nobody is taken for a thief by it.
        return any(each == number for each, _ in self._within(now, window))

    def _within(self, now: int, window: int) -> Past:
        """What stopped being current within the window before now, and before each that stopped later."""
        kept = []
        for number, at in reversed(self.past):
            now = max(now, at)
            if now - at <= window:
                kept.append((number, at))
        return tuple(reversed(kept))

    def kept(self) -> dict[str, Any]:
        """The form in which the database keeps it, by column."""
        return {
            "number": self.current,
            "parent": self.parent,
            "seen": self.seen,
            "past": "".join(entry(*each) for each in self.past),
            "lost": "".join(entry(*each) for each in self.lost),
        }


def family_of(number: int, parent: int | None, seen: bool, past: str, lost: str) -> Family:
    """The family that `kept()` wrote down."""
    return Family(number, parent, seen, _entries(past), _entries(lost))


def entry(number: int, at: int) -> str:
    """The form in which the database keeps that a number stopped being current, and when."""
    return f"{number:08x}{at:012x}"


def _entries(kept: str) -> Past:
    each = (kept[begin : begin + ENTRY] for begin in range(0, len(kept), ENTRY))
    return tuple((int(one[:_NUMBER], 16), int(one[_NUMBER:], 16)) for one in each)
