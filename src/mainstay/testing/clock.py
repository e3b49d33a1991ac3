"""Time that a test owns: it flows like the machine's until it is moved or stopped."""

import time
from datetime import UTC, datetime, timedelta


class FakeClock:
    """A Clock (`mainstay.base.clock`) that can be moved forward and stopped; it never goes back."""

    def __init__(self) -> None:
        self._ahead = timedelta()
        self._frozen: tuple[datetime, float] | None = None

    def now(self) -> datetime:
        """The current time, aware, in UTC."""
        return self._frozen[0] if self._frozen else datetime.now(UTC) + self._ahead

    def monotonic(self) -> float:
        """Seconds that never go backwards."""
        return self._frozen[1] if self._frozen else time.monotonic() + self._ahead.total_seconds()

    def advance(self, **amount: float) -> None:
        """Move forward: `clock.advance(minutes=11)`, with the names of `timedelta`. Raises ValueError for backwards."""
        step = timedelta(**amount)
        if step < timedelta():
            raise ValueError("a clock goes forward only; the test can begin earlier with freeze()")
        self._ahead += step
        if self._frozen:
            self._frozen = self._frozen[0] + step, self._frozen[1] + step.total_seconds()

    def freeze(self, at: datetime | None = None) -> None:
        """Stop, at this time (aware) or now; `advance` still moves it."""
        if at is not None and at.tzinfo is None:
            raise ValueError("a moment has a time zone: datetime(2030, 1, 1, tzinfo=UTC)")
        self._frozen = (at.astimezone(UTC) if at else self.now(), self.monotonic())

    def flow(self) -> None:
        """Go on from where the clock stands."""
        if self._frozen:
            self._ahead = self._frozen[0] - datetime.now(UTC)
            self._frozen = None
