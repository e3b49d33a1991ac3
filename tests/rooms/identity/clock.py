"""A clock that only moves when told."""

from datetime import UTC, datetime, timedelta


class WoundClock:
    """Wall time and monotonic time that go forward together."""

    def __init__(self) -> None:
        self._now = datetime(2031, 5, 1, 12, 0, tzinfo=UTC)
        self._monotonic = 1000.0

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._monotonic

    def advance(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)
        self._monotonic += seconds
