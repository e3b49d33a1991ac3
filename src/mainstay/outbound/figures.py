"""What calls to other programs came to, in plain numbers."""

from bisect import bisect_left
from dataclasses import dataclass, field

BOUNDS = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


@dataclass(slots=True)
class ServiceFigures:
    """Of one service: how calls ended (`2xx` … `5xx`, `away`, `late`, `refused`), and how long they took."""

    calls: dict[str, int] = field(default_factory=dict)
    retries: int = 0
    tokens: int = 0
    in_flight: int = 0
    seconds: float = 0.0
    counts: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))

    def ended(self, outcome: str, seconds: float) -> None:
        self.calls[outcome] = self.calls.get(outcome, 0) + 1
        self.seconds += seconds
        self.counts[bisect_left(BOUNDS, seconds)] += 1
